"""Sentences about a schedule: what a change of its zone's offset does to its slots (R8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from runner.schedules import zones
from runner.schedules.cron import Cron
from runner.schedules.slot import Schedule, Slot
from runner.vocabulary.duration import format_duration

NOTED = timedelta(hours=24)
"""How far ahead `validate` tells of slots in a gap or a repeated hour."""

_SHOWN = 3
"""Slots told one by one; of more, only how many."""


def offset_notes(schedule: Schedule, now: datetime, within: timedelta = NOTED) -> tuple[str, ...]:
    """Sentences about the slots in `(now, now + within]` that lie in a gap or in a repeated hour."""
    if schedule.kind == "every":
        return ()
    if not zones.transitions(schedule.zone, now - timedelta(days=1), now + within):
        return ()
    marked = [slot for slot in schedule.between(now, now + within) if {"gap", "fold"} & {*slot.marks}]
    if not marked:
        return ()
    if isinstance(schedule, Cron) and schedule.rate_like:
        return (_both_times(schedule, marked),)
    notes = tuple(note_of(schedule, slot) for slot in marked[:_SHOWN])
    more = len(marked) - _SHOWN
    return (*notes, f"and {more} more within {format_duration(within)}") if more > 0 else notes


def note_of(schedule: Schedule, slot: Slot) -> str:
    """What the zone does to one marked slot of a clock-like schedule."""
    zone = schedule.zone.key
    nominal = " and ".join(key.partition("[")[0].replace("T", " ") for key in slot.keys)
    if "gap" in slot.marks:
        one_run = ", as one run" if len(slot.keys) > 1 else ""
        return f"{nominal}: the clocks of {zone} leave this time out; it starts at {slot.local}{one_run}"
    return f"{nominal}: this time comes twice in {zone}; it starts at the first, {slot.local}"


def _both_times(schedule: Schedule, marked: Sequence[Slot]) -> str:
    starts = f"{len(marked)} starts" if len(marked) > 1 else "a start"
    return (
        f"{starts} from {marked[0].local} to {marked[-1].local}, at times that come twice in "
        f"{schedule.zone.key}: a schedule for every hour starts both times"
    )
