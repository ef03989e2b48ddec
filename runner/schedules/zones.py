"""Wall clock ↔ instants: which instant a local time names, and where a zone's offset changes.

A local time names no instant (a gap: clocks were put forward over it), one, or two (a fold: clocks were put
back over it). PEP 495: `fold=0` reads a gap with the offset before it, and a fold as its first occurrence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from math import ceil
from zoneinfo import ZoneInfo

from runner.vocabulary.names import nearest

_ZONE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
_PROBE = timedelta(hours=6)
"""Closer than any two changes of one zone's offset (the shortest pair in tzdata is days apart)."""


FIRST_DAY, LAST_DAY = date(1, 1, 3), date(9999, 12, 29)
"""So far from the ends of the calendar that each time of each zone, and the day after, is in it."""


@dataclass(frozen=True, slots=True)
class Due:
    """The instant at which a local time is due, and whether it lies in a gap or is the first of two."""

    at: datetime
    mark: str
    """`""`, `"gap"` or `"fold"`."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of a zone's offset: its first instant (UTC) and the offsets on both sides."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def kind(self) -> str:
        """`gap` when local times are left out, `fold` when they come twice."""
        return "gap" if self.after > self.before else "fold"


def check_zone(name: str) -> str | None:
    """What is wrong with a zone's name, with the nearest known one; None when it is a zone."""
    try:
        zone_named(name)
    except ValueError as problem:
        return str(problem)
    return None


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The zone of the tz database; ValueError, with the nearest known name, when there is none."""
    if isinstance(name, str) and len(name) <= 64 and _ZONE_NAME.fullmatch(name) and name != "localtime":
        try:
            return ZoneInfo(name)
        except (OSError, ValueError, LookupError):
            pass
    raise ValueError(_unknown_zone(name))


def within_reach(moment: datetime) -> datetime:
    """The moment, or the end of the calendar that it is too near to: `9999-12-31` means for ever."""
    if FIRST_DAY <= moment.date() <= LAST_DAY:
        return moment
    nearest_day = min(max(moment.date(), FIRST_DAY), LAST_DAY)
    return moment.replace(year=nearest_day.year, month=nearest_day.month, day=nearest_day.day)


def due_instant(zone: ZoneInfo, wall: datetime) -> Due:
    """When a clock-like slot at the naive local time `wall` is due (R3, R4).

    A time in a gap is due at the first instant after the gap; one that comes twice, at its first.
    """
    early = wall.replace(tzinfo=zone)
    late = early.replace(fold=1)
    before, after = early.utcoffset(), late.utcoffset()
    assert before is not None and after is not None
    first = (wall - before).replace(tzinfo=UTC)
    if before == after:
        return Due(first, "")
    if before > after:
        return Due(first, "fold")
    second = (wall - after).replace(tzinfo=UTC)
    return Due(_change_within(zone, second, first), "gap")


def local_time(zone: ZoneInfo, instant: datetime) -> datetime:
    """The aware local time that the zone's clocks show at `instant`."""
    return instant.astimezone(zone)


def wall_time(zone: ZoneInfo, instant: datetime) -> datetime:
    """The naive local time that the zone's clocks show at `instant`."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """The zone's offset from UTC at `instant`."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def ends_gap(zone: ZoneInfo, instant: datetime) -> bool:
    """Whether `instant` is the first one after a gap: the clocks were put forward to it."""
    return offset_at(zone, instant) > offset_at(zone, instant - timedelta(seconds=1))


def keeps_one_offset(zone: ZoneInfo, day: date) -> timedelta | None:
    """The offset that holds from the start of a local day to the start of the next; None when it changes."""
    start = datetime.combine(day, time(), zone)
    if start.utcoffset() != start.replace(fold=1).utcoffset():
        return None
    offset = start.utcoffset()
    assert offset is not None
    first = (start.replace(tzinfo=None) - offset).replace(tzinfo=UTC)
    if any(offset_at(zone, first + step * _PROBE) != offset for step in range(1, 5)):
        return None
    return offset


def first_change(zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first instant in `(after, until]` at which the zone's offset differs from the instant before."""
    position, offset = after, offset_at(zone, after)
    while position < until:
        step = min(position + _PROBE, until)
        if offset_at(zone, step) != offset:
            return _change_within(zone, position, step)
        position = step
    return None


def transitions(zone: ZoneInfo, after: datetime, until: datetime) -> tuple[Transition, ...]:
    """All changes of the zone's offset in `(after, until]`, in order."""
    found: list[Transition] = []
    position = after
    while (at := first_change(zone, position, until)) is not None:
        just_before = at - timedelta(seconds=1)
        found.append(Transition(at, offset_at(zone, just_before), offset_at(zone, at)))
        position = at
    return tuple(found)


def _change_within(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first instant (to the second) in `(before, after]` that has the offset of `after`."""
    goal = offset_at(zone, after)
    before = before.replace(microsecond=0)  # offsets change at whole seconds; a fraction would step over one
    low, high = 0, ceil((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if offset_at(zone, before + timedelta(seconds=middle)) == goal:
            high = middle
        else:
            low = middle
    return before + timedelta(seconds=high)


def _unknown_zone(name: object) -> str:
    from zoneinfo import available_timezones  # walks the tz database: only on the way to an error

    known = available_timezones()
    text = str(name)[:80]
    close = next((zone for zone in known if zone.lower() == text.lower()), None)
    close = close or nearest(text, known) or _city(text, known)
    hint = f"; did you mean {close!r}?" if close else "; write it like Europe/Zurich or UTC"
    return f"{text!r} is not a time zone of the tz database{hint}"


def _city(text: str, known: set[str]) -> str | None:
    """The zone whose last part is `text`, for someone who writes `Berlin`."""
    wanted = text.lower().replace(" ", "_")
    return min((zone for zone in known if zone.lower().rpartition("/")[2] == wanted), default=None)
