"""Which slot of a job is meant by `--slot 2026-11-21T02:00`?"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from runner.operations.installed_jobs import schedules_of
from runner.schedules.asked_time import ACCEPTED, Asked, read_asked, slot_asked
from runner.schedules.look_back import slot_until
from runner.schedules.slot import ScheduleProblem, Slot, local_text
from runner.store.objects import ObjectRecord
from runner.vocabulary.errors import NotUnderstood, UnknownName
from runner.vocabulary.instants import to_text


def named_slot(record: ObjectRecord, text: str, zone: ZoneInfo, now: datetime) -> Slot:
    """The slot at an instant, or at a local time of its zone (else of `zone`); a date: that day's first.

    A time that the clocks left out names the slot of that name; of one that they showed twice, the one that
    is a slot. For a job without a schedule it is that moment. UnknownName, with the next slot, for any other.
    """
    schedules = schedules_of(record)
    nearby = []
    for schedule in schedules.values():
        for asked in _read(text, schedule.zone, now):
            slot = slot_asked(schedule, asked)
            if slot is not None:
                return slot
            after = schedule.next_after(asked.at)
            nearby += [after] if after else []
    if not schedules:
        at = _read(text, zone, now)[0].at
        return Slot(key=to_text(at), at=at, local=local_text(at, zone))
    hint = f"; the next one after it is {min(nearby, key=lambda s: s.at).local}" if nearby else ""
    raise UnknownName(f"Job/{record.name} has no slot at {text}{hint}")


def latest_slot(record: ObjectRecord, now: datetime) -> Slot | None:
    """The latest slot before now over all schedules (declarations.md, Expressions)."""
    found = [slot for each in schedules_of(record).values() if (slot := slot_until(each, now)) is not None]
    return max(found, key=lambda slot: slot.at, default=None)


def _read(text: str, zone: ZoneInfo, now: datetime) -> tuple[Asked, ...]:
    try:
        return read_asked(text, zone, now)
    except ScheduleProblem:
        raise NotUnderstood(f"--slot {text[:60]!r} is no time; write it like {ACCEPTED}") from None
