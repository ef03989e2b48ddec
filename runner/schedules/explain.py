"""Sentences about a schedule: what a change of its zone's offset does to its slots (R8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.calendar import Without
from runner.schedules.cron import Cron
from runner.schedules.slot import Schedule, Slot
from runner.schedules.window import Hours, Window

NOTED = timedelta(days=731)
"""How far ahead `validate` tells of slots in a gap or a repeated hour: 24 months (R8)."""

_INSTANT = timedelta(microseconds=1)


def offset_notes(schedule: Schedule, now: datetime, within: timedelta = NOTED) -> tuple[str, ...]:
    """A sentence for each change of the clocks whose gap or repeated hour has slots in `(now, now + within]`.

    Looks only around the changes, so an expression for every minute costs no more than one for every day.
    """
    if isinstance(schedule, Window):
        return _edge_notes(schedule, now, within)
    if schedule.kind == "every":
        return ()
    notes: list[str] = []
    for change in _changes(schedule.zone, now - timedelta(days=1), now + within + timedelta(days=1)):
        span = abs(change.after - change.before)
        # What a gap leaves out is due at its end; a repeated hour lies on both sides of the change.
        first, last = (change.at, change.at) if change.kind == "gap" else (change.at - span, change.at + span)
        around = schedule.between(max(now, first - _INSTANT), min(last, now + within))
        marked = [slot for slot in around if change.kind in slot.marks]
        if marked:
            notes.append(_note(schedule, marked))
    return tuple(notes)


@lru_cache(maxsize=256)
def _changes(zone: ZoneInfo, after: datetime, until: datetime) -> tuple[zones.Transition, ...]:
    """Jobs of one zone share the walk through its two years."""
    return zones.transitions(zone, after, until)


def _note(schedule: Schedule, marked: Sequence[Slot]) -> str:
    expression = schedule.schedule if isinstance(schedule, Without) else schedule
    if isinstance(expression, Cron) and expression.rate_like:
        return _both_times(schedule, marked)
    if len(marked) == 1:
        return note_of(schedule, marked[0])
    first, last = (slot.key.partition("[")[0].replace("T", " ") for slot in (marked[0], marked[-1]))
    return (
        f"{len(marked)} starts from {first} to {last.partition(' ')[2]}: these times come twice in "
        f"{schedule.zone.key}; each starts at the first"
    )


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


def _edge_notes(window: Window, now: datetime, within: timedelta) -> tuple[str, ...]:
    """A sentence for each day on which hours open or close in a gap, or in an hour that comes twice."""
    notes: list[str] = []
    for change in _changes(window.zone, now - timedelta(days=1), now + within + timedelta(days=1)):
        day = zones.wall_time(window.zone, change.at).date()
        for more in (-1, 0):
            for hours, opens, closes in window.edges(day + timedelta(days=more)):
                if any(each.mark for each in (opens, closes)) and now < closes.at:
                    notes.append(_edge_note(window, hours, day + timedelta(days=more), opens, closes))
    return tuple(dict.fromkeys(notes))


def _edge_note(window: Window, hours: Hours, day: date, opens: zones.Due, closes: zones.Due) -> str:
    zone = window.zone.key
    which = f"the window {hours.text} of {day}"
    if opens.at >= closes.at:
        return f"{which} does not open: the clocks of {zone} leave it out"
    edges = [
        f"{word} at {each.at.astimezone(window.zone):%H:%M} {each.at.astimezone(window.zone).tzname()}"
        for word, each in (("opens", opens), ("closes", closes))
        if each.mark
    ]
    why = "leave out its time" if "gap" in (opens.mark, closes.mark) else "show its time twice"
    return f"{which} {' and '.join(edges)}: the clocks of {zone} {why}"
