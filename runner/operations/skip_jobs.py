"""Skip the next start of jobs: the starts that wait, or else the next slot of their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runner.access.permission import Actor, may
from runner.dispatch.missed import ONCE
from runner.operations.decide_once import has_its_run, has_one_slot
from runner.operations.end_runs import end_waiting
from runner.operations.holding import Acted, acted, counted
from runner.operations.installed_jobs import schedules_of
from runner.operations.selection import installed
from runner.schedules.slot import Slot
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.store.slots import SlotRecord
from runner.vocabulary.errors import IllegalTransition
from runner.vocabulary.instants import to_the_second

SKIPPED = "skipped by an operator"
RULE = "operator-skip"
SKIPPED_MARK = "skipped"
MOST_AHEAD = 10_000
"""Skipped slots to come; each is one that somebody asked for."""
ONLY_ONE = "its schedule has no other run"


def skip_jobs(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """All of them, or none. Twice is once: a next slot that is skipped already stays the only one.

    Refused for a job that has neither a waiting start nor a schedule that starts it.
    """
    records = [installed(tx, "Job", name) for name in names]
    may(actor, "skip")
    return tuple(_skip(tx, record, str(actor), reason, now) for record in records)


def skipped_ahead(reader: Reader, now: datetime) -> dict[str, frozenset[str]]:
    """The names of slots to come that operators skipped, by the uid of their job."""
    found: dict[str, set[str]] = {}
    for row in reader.slots.list(since=now, limit=MOST_AHEAD):
        if row.rule == RULE and row.slot_at > now:
            found.setdefault(row.job_uid, set()).add(row.slot_key)
    return {uid: frozenset(keys) for uid, keys in found.items()}


def as_skipped(slot: Slot) -> Slot:
    """The slot, marked as one that will not start."""
    return replace(slot, marks=(*slot.marks, SKIPPED_MARK))


def _skip(tx: Transaction, record: ObjectRecord, who: str, reason: str, now: datetime) -> Acted:
    waiting = [
        run for run in tx.instances.unfinished_of(record.uid) if run.state == "SCHEDULED" and run.epoch == 0
    ]
    for run in waiting:
        end_waiting(tx, run, "skip", SKIPPED, who=who, now=now, why=reason)
    notes = counted((len(waiting), "waiting start skipped", "waiting starts skipped"))
    if any(run.trigger.get(ONCE) for run in waiting):
        notes.append(ONLY_ONE)
    if waiting:
        return acted(tx, record, now, changed=True, notes=notes)
    schedules = schedules_of(record) if record.resolved["mode"] == "automatic" else {}
    slots = [
        (slot, name)
        for name, schedule in schedules.items()
        if (slot := schedule.next_after(now)) is not None and not has_its_run(tx, record.uid, schedule)
    ]
    if not slots:
        raise IllegalTransition(
            f"Job/{record.name} has nothing to skip: no start of it waits, and no schedule will start it; "
            "skip is accepted when there is a next start"
        )
    slot, name = min(slots, key=lambda each: each[0].at)
    why = f"{SKIPPED} ({reason})" if reason else SKIPPED
    changed = False
    for other, schedule in ((other, schedule) for other, schedule in slots if other.at == slot.at):
        row = SlotRecord(record.uid, schedule, other.key, slot.at, "skipped", why, None, now)
        for key in other.keys:
            changed |= tx.slots.decide(replace(row, slot_key=key, rule=RULE))
    if changed:
        details = {"slot": slot.key, "schedule": name}
        tx.events.append("Job", record.name, "slot.skipped", at=now, who=who, why=reason, details=details)
    notes = [f"the start of {to_the_second(slot.at)} is skipped"]
    if has_one_slot(schedules[name]):
        notes.append(ONLY_ONE)
    return acted(tx, record, now, changed=changed, notes=notes)
