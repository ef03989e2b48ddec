"""List runs: of one job or all, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.lifecycle.instance import INSTANCE
from runner.operations.selection import unknown
from runner.store.errors import ErrorRecord
from runner.store.instances import InstanceRecord
from runner.store.notifications import NotificationRecord
from runner.store.port import Reader
from runner.store.steps import StepRecord
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import NotUnderstood
from runner.vocabulary.identity import Address
from runner.vocabulary.names import nearest

STATES = tuple(sorted(INSTANCE.states - {INSTANCE.initial}))


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One run with what it raised, its tasks and their steps."""

    instance: InstanceRecord
    errors: tuple[ErrorRecord, ...]
    tasks: tuple[TaskRecord, ...]
    steps: tuple[StepRecord, ...]
    notifications: tuple[NotificationRecord, ...]
    slots: tuple[str, ...]
    """The keys of all slots that it stands for, its own first: several when they landed after a gap (R3)."""


def list_instances(
    reader: Reader,
    *,
    job: str | None = None,
    states: Sequence[str] = (),
    since: datetime | None = None,
    limit: int | None = 50,
) -> tuple[InstanceView, ...]:
    """The newest runs that fit. A removed job still has its history; a name that nobody knows is refused."""
    for state in states:
        if state not in STATES:
            close = nearest(state, STATES)
            hint = f"did you mean {close}? " if close else ""
            raise NotUnderstood(f"no instance is ever {state!r}; {hint}known: {', '.join(STATES)}")
    instances = reader.instances.list(job=job, states=states or None, since=since, limit=limit)
    if job is not None and not instances:
        _must_be_known(reader, job)
    return views_of(reader, instances)


def views_of(reader: Reader, instances: Sequence[InstanceRecord]) -> tuple[InstanceView, ...]:
    """The same runs with what belongs to them; of a run over an inventory not its targets: they are paged."""
    ids = [instance.id for instance in instances]
    single = [instance.id for instance in instances if not instance.targets]
    errors, tasks, steps, told = (
        (
            reader.errors.of_all(ids),
            reader.tasks.of_all(single),
            reader.steps.of_all(single),
            reader.notifications.of_all(ids),
        )
        if ids
        else ({}, {}, {}, {})
    )
    return tuple(
        InstanceView(
            instance,
            tuple(errors.get(instance.id, ())),
            tuple(tasks.get(instance.id, ())),
            tuple(steps.get(instance.id, ())),
            tuple(told.get(instance.id, ())),
            _slots(reader, instance),
        )
        for instance in instances
    )


def slot_of(run: InstanceRecord) -> str | None:
    """The slot that a run stands for: its own, or the one that was named when it was started by hand."""
    if run.schedule is not None and run.origin != "job":
        return run.slot_key
    named = run.trigger.get("for_slot")
    return str(named) if named is not None else None


def _slots(reader: Reader, run: InstanceRecord) -> tuple[str, ...]:
    """Only slots of the wall clock can have been merged, so only those are looked up."""
    slot = slot_of(run)
    if slot is None or run.schedule is None or run.slot_at is None or "[" not in slot:
        return () if slot is None else (slot,)
    decided = reader.slots.decided_at(run.job_uid, run.slot_at)
    return (slot, *(row.slot_key for row in decided if row.instance_id == run.id and row.slot_key != slot))


def _must_be_known(reader: Reader, job: str) -> None:
    if reader.objects.get(Address("Job", job)) is not None:
        return
    gone = [record.name for record in reader.objects.tombstones() if record.kind == "Job"]
    if job not in gone:
        raise unknown("Job", job, [*gone, *(summary.name for summary in reader.objects.summaries("Job"))])
