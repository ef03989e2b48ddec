"""Record what another system reports about a run that it executes.

A report carries the token of the run's epoch. One that came before changes nothing again, one of an earlier
attempt is refused, and whatever was sent twice is answered as it was the first time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from runner.access.permission import Actor, may
from runner.access.report_token import epoch_of
from runner.execution.order import Ended, ErrorInfo, Usage
from runner.lifecycle.instance import INSTANCE, LIVE, TERMINAL
from runner.operations.external_steps import complete_open_steps, record_external_step
from runner.operations.external_work import silence_timeout
from runner.operations.finish_instance import finish_instance
from runner.operations.outcome import Finished, Recording, definition_of
from runner.store.external_runs import ExternalRun
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import NotAllowed, Refused

SILENT = "silent"
"""Why a run is UNKNOWN that nobody had asked to end; otherwise the reason of the stop stays."""

_ENDS = {"finished": "SUCCEEDED", "failed": "FAILED", "stopped": "CANCELLED"}
"""What a report of an end leads to, as a rule."""


class StaleReport(Refused):
    """The report is of an earlier attempt, or of a run that has ended; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalReport:
    """One report. `number` rises from report to report, for a system that may send them out of order."""

    event: Literal["started", "heartbeat", "progress", "step", "finished", "failed", "stopped"]
    number: int | None = None
    step: str | None = None
    state: Literal["started", "completed", "failed", "skipped"] | None = None
    done: float | None = None
    total: float | None = None
    text: str | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    description: str | None = None
    retryable: bool = True


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of a report (`recorded`, `repeated`, `late`), and what the other system should know:
    the state now, and whether it is to stop.
    """

    outcome: str
    state: str
    stop: bool
    reason: str
    finished: Finished | None = None


def report_external(
    tx: Transaction,
    instance_id: int,
    token: str,
    report: ExternalReport,
    *,
    actor: Actor,
    now: datetime,
    draw: float,
) -> Reported:
    """Record one report. NotAllowed when the token is not this run's, StaleReport when it is too late."""
    may(actor, "report")
    instance, run = tx.instances.get(instance_id), tx.external.get(instance_id)
    epoch = epoch_of(tx.external.report_key(), instance_id, token)
    if epoch is None or instance is None or run is None:
        raise NotAllowed(f"this is not the token for reports on instance {instance_id}")
    if epoch != instance.epoch or run.epoch != instance.epoch:
        raise StaleReport(
            f"the attempt of this token is over: instance {instance.id} is {instance.state} at epoch "
            f"{instance.epoch}, and the report is of epoch {epoch}; stop, and report no more"
        )
    if instance.state not in LIVE:
        return _after_the_end(instance, report)
    if report.number is not None and report.number <= run.number:
        return _answer(instance, "repeated" if report.number == run.number else "late")
    spec = definition_of(tx, instance)
    if report.event not in _ENDS:  # a late result ends it as it is (I43, I44)
        instance = _back(tx, instance, run, str(actor), now)
    heard = replace(
        run,
        heard_at=now,
        silent_at=now + silence_timeout(spec)
        if instance.state == "RUNNING"  # what is to stop has no time anew by going on
        else run.silent_at,
        number=run.number if report.number is None else report.number,
        call_at=None,
        accepted_at=run.accepted_at or now,
        perhaps_heard=True,
    )
    tx.external.put(heard)
    if report.event in _ENDS:
        return _end(tx, instance, report, spec, str(actor), now, draw)
    return _answer(instance, _progress(tx, instance, run, report, str(actor), now))


def _after_the_end(instance: InstanceRecord, report: ExternalReport) -> Reported:
    """The same end once more is only repeated; after a failure that is tried again, so is that failure."""
    same = _ENDS.get(report.event) == instance.state
    again = report.event == "failed" and instance.state == "SCHEDULED" and instance.reason == "retry"
    if same or again:
        return _answer(instance, "repeated")
    what = "has ended" if instance.state in TERMINAL else "is not under way"
    raise StaleReport(
        f"instance {instance.id} {what}: it is {instance.state}"
        f"{f' ({instance.reason})' if instance.reason else ''}; nothing was changed"
    )


def _back(
    tx: Transaction, instance: InstanceRecord, run: ExternalRun, who: str, now: datetime
) -> InstanceRecord:
    """I41: it was only silent. One that was to be stopped is alive, and still does not stop."""
    if instance.state != "UNKNOWN" or instance.reason != SILENT:
        return instance
    gap_s = (now - (run.heard_at or instance.started_at or now)).total_seconds()
    tx.instances.move(
        instance.id,
        INSTANCE.move("UNKNOWN", "heartbeat"),
        epoch=instance.epoch,
        at=now,
        who=who,
        why=f"heard again after {gap_s:.0f} s",
        details={"gap_s": round(gap_s, 3)},
        reason="",
    )
    return _now(tx, instance)


def _progress(
    tx: Transaction,
    instance: InstanceRecord,
    run: ExternalRun,
    report: ExternalReport,
    who: str,
    now: datetime,
) -> str:
    changes: dict[str, Any] = {}
    if report.info:
        changes["info"] = {**instance.info, **report.info}
    if report.event == "progress":
        changes["progress_said"] = {"done": report.done, "total": report.total, "text": report.text}
        if report.done is not None and report.total:
            changes["progress"] = min(max(report.done / report.total, 0.0), 1.0)
    if changes:
        tx.instances.update(instance.id, epoch=instance.epoch, **changes)
    if report.event == "started":
        if run.heard_at is not None:
            return "repeated"
        tx.events.append("instance", str(instance.id), "started", at=now, who=who, why=report.text or "")
    if report.event == "step":
        return record_external_step(tx, instance, report, who, now)
    return "recorded"


def _end(
    tx: Transaction,
    instance: InstanceRecord,
    report: ExternalReport,
    spec: Mapping[str, Any],
    who: str,
    now: datetime,
    draw: float,
) -> Reported:
    if report.info:
        tx.instances.update(instance.id, epoch=instance.epoch, info={**instance.info, **report.info})
    if report.event == "finished":
        complete_open_steps(tx, instance, who, now)
    code = report.code or ("stopped" if report.event == "stopped" else "failed")
    description = report.description or f"the other system reported: {report.event}"
    if instance.state == "UNKNOWN":  # a late result with the current epoch (I43, I44)
        recording = Recording(tx, instance, spec, now, who)
        if report.event == "finished":
            finished: Finished | None = recording.succeed(report.outputs)
        else:
            finished = recording.fail("fail", code, {"code": code, "description": description})
    else:
        ended = Ended(
            instance=instance.id,
            epoch=instance.epoch,
            outcome="succeeded" if report.event == "finished" else "failed",
            error=None
            if report.event == "finished"
            else ErrorInfo(code, description, retryable=report.retryable and report.event == "failed"),
            outputs=report.outputs,
            signal=None,
            usage=Usage(0.0, 0),
            output_bytes=0,
        )
        finished = finish_instance(tx, ended, spec, now, draw, who)
    if finished is None:
        raise StaleReport(f"instance {instance.id} is {instance.state}; nothing was changed")
    return replace(_answer(_now(tx, instance), "recorded"), finished=finished)


def _answer(instance: InstanceRecord, outcome: str) -> Reported:
    stopping = instance.state in ("STOPPING", "PAUSING")
    unheard = instance.state == "UNKNOWN" and instance.reason != SILENT
    return Reported(outcome, instance.state, stopping or unheard, instance.reason)


def _now(tx: Transaction, instance: InstanceRecord) -> InstanceRecord:
    found = tx.instances.get(instance.id)
    return instance if found is None else found
