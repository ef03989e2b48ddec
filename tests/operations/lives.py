"""Runs taken through their life by the daemon's own operations, at times that the test names."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from installations import NOW, Installation

from runner.execution.order import Ended, ErrorInfo, StepReported, Usage
from runner.operations.claim_instance import Claimed, Waits, claim_instance
from runner.operations.decide_slots import Decided, decide_slots
from runner.operations.definition import Definition, define
from runner.operations.finish_instance import finish_instance
from runner.operations.outcome import Finished, NotStarted
from runner.operations.record_run import record_step
from runner.operations.schedulable import SchedulableJob, schedulable
from runner.store.admin import check
from runner.store.events import EventRecord
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.slots import SlotRecord
from runner.vocabulary.identity import Address

BROKEN = ErrorInfo("exit-code", "the script ended with exit code 3", "run", exit_code=3, retryable=True)


def at(hours: float = 0, *, minutes: float = 0, seconds: float = 0) -> datetime:
    """A moment so long after NOW."""
    return NOW + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def scheduled(here: Installation, name: str) -> SchedulableJob:
    with here.store.read() as reader:
        record = reader.objects.get(Address("Job", name))
    assert record is not None
    return schedulable(record, here.store.installation_id)


def decide(here: Installation, name: str, now: datetime) -> Decided:
    """What the scheduler does with the job's one schedule."""
    job = scheduled(here, name)
    [named] = job.schedules
    return here.store.transact(lambda tx: decide_slots(tx, job, named, now))


def slots(here: Installation, name: str) -> list[SlotRecord]:
    """The ledger, oldest first."""
    with here.store.read() as reader:
        return reader.slots.list(here.uid(name), limit=1000)[::-1]


def watermark(here: Installation, name: str) -> datetime | None:
    with here.store.read() as reader:
        mark = reader.slots.watermark(here.uid(name), "default")
    return mark and mark.at


def set_watermark(here: Installation, name: str, to: datetime) -> None:
    uid = here.uid(name)
    here.store.transact(lambda tx: tx.slots.set_watermark(uid, "default", to))


def definition_of(here: Installation, run: InstanceRecord) -> Definition:
    with here.store.read() as reader:
        spec = reader.revisions.get(run.job_uid, run.digest)
    assert spec is not None
    return define(spec, Path("/nowhere"))


def claim(
    here: Installation, id: int, now: datetime = NOW, *, known: bool = True
) -> Claimed | NotStarted | Waits:
    """What the dispatcher does; without `known` it does not know the job yet."""
    run = here.instance(id)
    definition = definition_of(here, run)
    job = scheduled(here, run.job) if known else None
    return here.store.transact(
        lambda tx: claim_instance(tx, run, job, definition.new_steps, _session(tx, now), now, definition.spec)
    )


def _session(tx: Transaction, now: datetime) -> int:
    """The daemon's session; one is enough."""
    known = tx.sessions.list(1)
    if known:
        return known[0].id
    return tx.sessions.start("up", pid=1, host="here", boot_id="b", login="ana", at=now)


def start(here: Installation, id: int, now: datetime = NOW) -> int:
    """Claim it and start its first step; its epoch."""
    claimed = claim(here, id, now)
    assert isinstance(claimed, Claimed), claimed
    report(here, id, "start", now)
    return claimed.instance.epoch


def report(
    here: Installation, id: int, event: Any, now: datetime = NOW, step: str = "run", **more: Any
) -> None:
    reported = StepReported(id, here.instance(id).epoch, 1, step, event, now, **more)
    here.store.transact(lambda tx: record_step(tx, reported, now))


def an_end(
    id: int, epoch: int, outcome: Any = "failed", error: ErrorInfo | None = None, **more: Any
) -> Ended:
    if outcome == "failed" and error is None:
        error = BROKEN
    return Ended(id, epoch, outcome, error, more.pop("outputs", {}), None, Usage(0.0, 0), 0, **more)


def end(
    here: Installation,
    id: int,
    outcome: Any = "failed",
    now: datetime = NOW,
    *,
    epoch: int | None = None,
    error: ErrorInfo | None = None,
    draw: float = 0.5,
    **more: Any,
) -> Finished | None:
    """What the recorder does when the processes of the run are gone; before success a step completes."""
    if outcome == "succeeded" and epoch is None and ("run", "STARTED") in steps(here, id):
        report(here, id, "complete", now)
    ended = an_end(id, here.instance(id).epoch if epoch is None else epoch, outcome, error, **more)
    return here.store.transact(lambda tx: finish_instance(tx, ended, None, now, draw))


def a_slot_run(here: Installation, name: str, now: datetime) -> int:
    """An instance for a slot at `now`, by the scheduler."""
    set_watermark(here, name, now - timedelta(seconds=1))
    [id] = decide(here, name, now).instances
    return id


def fails(here: Installation, name: str, now: datetime) -> Finished:
    """A whole run for a slot, which fails for good."""
    id = a_slot_run(here, name, now)
    start(here, id, now)
    finished = end(here, id, now=now)
    assert finished is not None
    return finished


def events(here: Installation, id: int) -> list[EventRecord]:
    """Those of a run, oldest first."""
    with here.store.read() as reader:
        return [event for event in reader.events.of("instance", str(id))[::-1] if event.subject == str(id)]


def steps(here: Installation, id: int) -> list[tuple[str, str]]:
    with here.store.read() as reader:
        return [(step.name, step.state) for step in reader.steps.of(id)]


def task(here: Installation, id: int) -> str:
    with here.store.read() as reader:
        [only] = reader.tasks.of(id)
    return only.state


def contradictions(here: Installation) -> list[str]:
    """What `runner db check` would say."""
    return [finding for each in check(here.path).checks for finding in each.findings]
