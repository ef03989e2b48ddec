"""Start a job once before its next slot, because its own code asks for that (system E6)."""

from __future__ import annotations

from datetime import datetime

from runner.declaration.inputs import check_inputs
from runner.operations.installed_jobs import schedules_of
from runner.operations.schedulable import BY_JOB, window_of
from runner.schedules.window import Window
from runner.store.errors import ErrorRecord
from runner.store.instances import InstanceRecord, NewInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.duration import parse_duration
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.instants import to_the_second

WHO = "system:job"
NOT_EARLIER = "not-earlier"


def start_earlier(tx: Transaction, instance: InstanceRecord, asked: datetime, now: datetime) -> int | None:
    """The instance that starts then, or as soon as this one is over when that is past; None without a job.

    One waits at most, at the earliest time that was asked for; it uses no slot, and waits for its turn
    behind what runs. What is not before the next slot is no earlier start: a warning of the instance says so.
    What a run of a window asks for is bound to that window: outside of it, it is due when the next one opens.
    """
    job = tx.objects.by_uid(instance.job_uid)
    if job is None or job.removed_at is not None:
        return None
    at = max(asked, now)
    schedule, window = _window_of(job, instance)
    if window is not None and window.opening_at(at) is None:
        following = window.next_opening(at)
        if following is None:
            text = f"no window is open at {to_the_second(at)} or later; no start was recorded"
            tx.errors.add(ErrorRecord(instance.id, now, "warning", NOT_EARLIER, text))
            return None
        at = following.opens_at
    next_slot = _next_slot(job, now, but=schedule if window is not None and not window.each else None)
    if next_slot is not None and at >= next_slot:
        told, ahead = to_the_second(at), to_the_second(next_slot)
        text = f"a start at {told} is not before the next slot at {ahead}; none was recorded"
        tx.errors.add(ErrorRecord(instance.id, now, "warning", NOT_EARLIER, text))
        return None
    for waiting in tx.instances.unfinished_of(job.uid):
        if waiting.origin == BY_JOB and waiting.state == "SCHEDULED" and waiting.epoch == 0:
            if at < waiting.due_at:
                tx.instances.update(waiting.id, epoch=0, due_at=at)
            return waiting.id
    spec = job.resolved
    deadline = spec["deadline"]
    new = NewInstance(
        job_uid=job.uid,
        job=job.name,
        origin=BY_JOB,
        schedule=schedule,
        slot_key=f"job:{instance.id}:{instance.epoch}:{asked.timestamp():.3f}",
        due_at=at,
        reason="slot",
        digest=job.digest,
        revision=job.revision,
        inputs=check_inputs(spec["inputs"], spec["with"])[0],
        trigger={"earlier": True, "by_instance": instance.id},
        expires_at=at + parse_duration(deadline) if deadline else None,
        requested_by=WHO,
    )
    return tx.instances.create(new, who=WHO, at=now, why=f"asked for by instance {instance.id}")


def _window_of(job: ObjectRecord, instance: InstanceRecord) -> tuple[str | None, Window | None]:
    """The windows that the asking run is bound to, and the name of their schedule."""
    try:
        schedules = schedules_of(job)
    except DamagedRow:
        return None, None
    windows = {name: each for name, each in schedules.items() if isinstance(each, Window)}
    window = window_of(instance, windows)
    return (None, None) if window is None else (next(k for k, v in windows.items() if v is window), window)


def _next_slot(job: ObjectRecord, now: datetime, but: str | None) -> datetime | None:
    """None without one; `but` is a range, whose one slot is used. The job's code asks its own metadata; this
    is for code that does not.
    """
    try:
        slots = [each.next_after(now) for name, each in schedules_of(job).items() if name != but]
    except DamagedRow:
        return None
    return min((slot.at for slot in slots if slot is not None), default=None)
