"""Start a job once for each slot of a time that is over, oldest first, one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from runner.access.permission import Actor, may
from runner.operations.installed_jobs import schedules_of
from runner.operations.named_slot import latest_slot
from runner.operations.selection import installed
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.operations.trigger import checked_inputs, refuse_held
from runner.schedules.asked_time import read_asked
from runner.schedules.slot import ScheduleProblem, Slot
from runner.store.instances import NewInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Store, Transaction
from runner.vocabulary.errors import ChangedMeanwhile, NotUnderstood, RunnerError

MOST = 1000
"""Slots in one backfill; a typing error in a date is not to start a million runs."""

_INSTANT = timedelta(microseconds=1)
SUCCEEDED = "it succeeded"
WAITS = "a backfill of it waits or runs"


@dataclass(frozen=True, slots=True)
class Filled:
    """One slot of the time: the instance that was recorded for it, or why none was (None, "" in a trial)."""

    slot: Slot
    instance_id: int | None = None
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What was recorded, or would be; in the order of the slots."""

    job: str
    slots: tuple[Filled, ...]
    dry_run: bool

    @property
    def starts(self) -> tuple[Filled, ...]:
        return tuple(each for each in self.slots if not each.left_out)


def backfill_job(
    store: Store,
    name: str,
    *,
    first: str,
    last: str,
    actor: Actor,
    key: str,
    now: datetime,
    reason: str = "",
    dry_run: bool = False,
    force: bool = False,
) -> Backfill:
    """Record a start for each slot from `first` to `last` (a date means the whole day) that is over.

    Slots that have a run that succeeded, and those that an earlier backfill still waits for, are left out.
    They are starts by hand that name their slot; the schedule's own slots and its watermark stay as they are.
    All are recorded in one transaction. RunnerError for a time that is none, or holds more than MOST slots.
    """
    may(actor, "trigger")
    with store.read() as reader:
        record = installed(reader, "Job", name)
        slots = _slots(reader, record, first, last, now)
        known = _known(reader, record, slots)
    filled = tuple(Filled(slot, left_out=known.get(slot.key, "")) for slot in slots)
    if dry_run or all(each.left_out for each in filled):
        return Backfill(record.name, filled, dry_run)
    blank = _blank(record, str(actor), now)

    forced = {"force": True} if force else {}

    def started(tx: Transaction, slot: Slot) -> int | None:
        trigger = {"by": str(actor), "for_slot": slot.key, "backfill": True, **forced}
        new = replace(blank, slot_at=slot.at, slot_local=slot.local, trigger=trigger)
        new = replace(new, slot_key=f"manual:{key}:{slot.key}")
        return tx.instances.create(new, who=str(actor), at=now, why=reason)

    def work(tx: Transaction) -> tuple[Filled, ...]:
        if installed(tx, "Job", name).digest != record.digest:
            raise ChangedMeanwhile(f"Job/{name} was changed at this very moment; nothing was recorded")
        refuse_held(tx, record, force=force, now=now)
        return tuple(
            each if each.left_out else replace(each, instance_id=started(tx, each.slot)) for each in filled
        )

    return Backfill(record.name, store.transact(work), dry_run)


def _slots(reader: Reader, record: ObjectRecord, first: str, last: str, now: datetime) -> tuple[Slot, ...]:
    schedules = schedules_of(record)
    if not schedules or latest_slot(record, now) is None:
        raise RunnerError(
            f"Job/{record.name} has no slots that are over; a backfill starts the job once for each of them"
        )
    zone = next(iter(schedules.values())).zone or ZoneInfo(zone_of_jobs_without_a_schedule(reader))
    try:
        begin, end = read_asked(first, zone, now)[0], read_asked(last, zone, now)[-1]
    except ScheduleProblem as problem:
        raise NotUnderstood(str(problem)) from None
    until = min(end.at + end.span - _INSTANT, now)
    if until < begin.at:
        raise RunnerError(f"--to {last} is before --from {first}, or that time has not come yet")
    found: dict[str, Slot] = {}
    for schedule in schedules.values():
        for slot in islice(schedule.between(begin.at - _INSTANT, until), MOST + 1):
            found.setdefault(slot.key, slot)
    if len(found) > MOST:
        raise RunnerError(
            f"Job/{record.name} has more than {MOST} slots from {first} to {last}; name a shorter time"
        )
    return tuple(sorted(found.values(), key=lambda slot: (slot.at, slot.key)))


def _known(reader: Reader, record: ObjectRecord, slots: Sequence[Slot]) -> dict[str, str]:
    """Of slots that are left out: why."""
    if not slots:
        return {}
    known: dict[str, str] = {}
    for row in reader.slots.covering(record.uid, slots[0].at, slots[-1].at):
        run = reader.instances.get(row.instance_id) if row.instance_id is not None else None
        if (run is not None and run.state == "SUCCEEDED") or row.outcome.startswith("SUCCEEDED"):
            known[row.slot_key] = f"{SUCCEEDED} (instance {row.instance_id})"
    for run in reader.instances.list(job_uid=record.uid, limit=None):
        slot = run.trigger.get("for_slot")
        if isinstance(slot, str) and run.state == "SUCCEEDED":
            known.setdefault(slot, f"{SUCCEEDED} (instance {run.id})")
        elif isinstance(slot, str) and run.trigger.get("backfill") and run.completed_at is None:
            known.setdefault(slot, f"{WAITS} (instance {run.id})")
    return known


def _blank(record: ObjectRecord, who: str, now: datetime) -> NewInstance:
    """What the starts have in common."""
    return NewInstance(
        job_uid=record.uid,
        job=record.name,
        origin="manual",
        slot_key="",
        due_at=now,
        reason="manual",
        digest=record.digest,
        revision=record.revision,
        inputs=checked_inputs(record, {}),
        requested_by=who,
    )
