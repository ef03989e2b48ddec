"""Sentences about a schedule: what it is, and what a change of its zone's offset does to its slots (R8)."""

from __future__ import annotations

from datetime import datetime, timedelta

from runner.schedules import zones
from runner.schedules.cron import Cron
from runner.schedules.slot import Schedule, Slot

NOTED = timedelta(hours=24)
"""How far ahead `validate` tells of slots in a gap or a repeated hour."""


def offset_notes(schedule: Schedule, now: datetime, within: timedelta = NOTED) -> tuple[str, ...]:
    """One sentence per slot in `(now, now + within]` that lies in a gap or in a repeated hour."""
    if not zones.transitions(schedule.zone, now - timedelta(days=1), now + within):
        return ()
    return tuple(
        note_of(schedule, slot)
        for slot in schedule.between(now, now + within)
        if "gap" in slot.marks or "fold" in slot.marks
    )


def note_of(schedule: Schedule, slot: Slot) -> str:
    """What the zone does to one marked slot."""
    zone = schedule.zone.key
    nominal = " and ".join(key.partition("[")[0].replace("T", " ") for key in slot.keys)
    if "gap" in slot.marks:
        one_run = ", as one run" if len(slot.keys) > 1 else ""
        return f"{nominal}: the clocks of {zone} leave this time out; it starts at {slot.local}{one_run}"
    if isinstance(schedule, Cron) and schedule.rate_like:
        return f"{slot.local}: this time comes twice in {zone}; a schedule for every hour starts both times"
    return f"{nominal}: this time comes twice in {zone}; it starts at the first, {slot.local}"
