"""What time does to runs of other systems: silence, timeouts, and the end of not knowing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from runner.execution.order import Ended, ErrorInfo, Usage
from runner.lifecycle.instance import INSTANCE
from runner.operations.external_work import silence_timeout, unknown_timeout
from runner.operations.finish_instance import CRASH_BUDGET, finish_instance
from runner.operations.outcome import EXPIRED, TIMEOUT, Finished, Recording, definition_of
from runner.operations.report_external import SILENT
from runner.store.external_runs import ExternalRun, LiveExternalRun
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.duration import parse_duration

CLOCK = "system:clock"


def next_moment(run: ExternalRun, instance: InstanceRecord, timeout: timedelta | None) -> datetime:
    """When time does something to it next."""
    if instance.state == "UNKNOWN":
        return instance.forced_at or run.silent_at
    if instance.state != "RUNNING":
        return instance.forced_at or run.silent_at
    ends = [run.silent_at]
    if instance.expires_at is not None:
        ends.append(instance.expires_at)
    if timeout is not None and instance.started_at is not None:
        ends.append(instance.started_at + timeout)
    return min(ends)


def pass_time(tx: Transaction, live: LiveExternalRun, now: datetime, draw: float) -> Finished | None:
    """What has become of this run by now; None when it goes on as it is."""
    instance, run = tx.instances.get(live.run.instance_id), tx.external.get(live.run.instance_id)
    if instance is None or run is None or (instance.epoch, run.epoch) != (live.run.epoch, live.run.epoch):
        return None
    spec = definition_of(tx, instance)
    recording = Recording(tx, instance, spec, now, CLOCK)
    timeout = parse_duration(spec["timeout"]) if spec.get("timeout") else None
    if instance.state == "STOPPING" and never_told(run):
        return ended_unheard(tx, run, ErrorInfo("stopped", "nobody was told of it"), now, draw)
    if instance.state == "STOPPING" and instance.forced_at is not None and instance.forced_at < run.silent_at:
        tx.instances.update(instance.id, epoch=instance.epoch, forced_at=run.silent_at)
        return None  # it hears of the stop when it reports next, and until it is silent it has time for that
    if next_moment(run, instance, timeout) > now:
        return None
    if instance.state == "UNKNOWN":
        return _decided(recording, now)
    if instance.state == "RUNNING" and run.silent_at > now:
        _ask_to_stop(tx, recording, run, now)
        return None
    if instance.state == "RUNNING" and never_told(run):
        error = run.call_error or {"code": "webhook", "description": "its webhook was never called"}
        why = ErrorInfo(str(error["code"]), str(error["description"]), retryable=True)
        return ended_unheard(tx, run, why, now, draw)
    return _lost(tx, recording, now)


def never_told(run: ExternalRun) -> bool:
    """Whether the other system can know nothing of it: no call was accepted, or may have arrived."""
    return run.accepted_at is None and not run.perhaps_heard and run.heard_at is None


def _ask_to_stop(tx: Transaction, recording: Recording, run: ExternalRun, now: datetime) -> None:
    """I19: the answer to its next report says so; until then, and as long again, it is waited for."""
    instance = recording.instance
    over = instance.expires_at is not None and instance.expires_at <= now
    recording.stop(EXPIRED if over else TIMEOUT)
    ends = now + silence_timeout(recording.spec)
    tx.instances.update(instance.id, epoch=instance.epoch, forced_at=ends)


def _lost(tx: Transaction, recording: Recording, now: datetime) -> Finished:
    """I20, I27, I40: neither its life nor its end is known; no second one starts meanwhile."""
    instance = recording.instance
    reason = SILENT if instance.state == "RUNNING" else instance.reason
    until = now + unknown_timeout(recording.spec)
    described = "nothing was heard of it for its silenceTimeout"
    tx.instances.move(
        instance.id,
        INSTANCE.move(instance.state, "lose"),
        epoch=instance.epoch,
        at=now,
        who=CLOCK,
        why=described,
        reason=reason,
        forced_at=until,
    )
    error = {"code": SILENT, "description": described}
    return Finished(instance.id, instance.job, "UNKNOWN", reason, None, error)


def _decided(recording: Recording, now: datetime) -> Finished:
    """I42 or I43: the time for an answer is over; what still comes later is refused, by its epoch."""
    instance = recording.instance
    error = {"code": "lost", "description": "nothing was heard of it for its unknownTimeout"}
    expired = instance.expires_at is not None and instance.expires_at <= now
    resumes = recording.spec["onCrash"] == "resume" and instance.crashes < CRASH_BUDGET and not expired
    more: dict[str, Any] = {"raise_epoch": True}
    if resumes and instance.reason == SILENT:
        return recording.again("crash_resume", "crash", now, error, crashes=instance.crashes + 1, **more)
    return recording.fail("crash_fail", "lost", error)


def ended_unheard(
    tx: Transaction, run: ExternalRun, error: ErrorInfo, now: datetime, draw: float
) -> Finished | None:
    """The end of an attempt that the other system can know nothing of."""
    tx.external.put(replace(run, call_at=None))
    ended = Ended(
        instance=run.instance_id,
        epoch=run.epoch,
        outcome="failed",
        error=error,
        outputs={},
        signal=None,
        usage=Usage(0.0, 0),
        output_bytes=0,
    )
    return finish_instance(tx, ended, None, now, draw)
