"""`cron`: the wall clock of a zone (R1–R7).

R2: an expression whose hour field selects all 24 hours is rate-like: real time decides. Any other is
clock-like: its slots are due at local times.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from runner.schedules import days, zones
from runner.schedules.dialect import CronProblem, CronReading, read_cron
from runner.schedules.slot import (
    ScheduleProblem,
    Slot,
    instant_key,
    local_text,
    slots_between,
    wall_key,
)

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_NEAR = timedelta(days=2)
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(9900, 1, 1, tzinfo=UTC)


def check_cron(cron: str | Mapping[str, Any]) -> list[CronProblem]:
    """Every problem of an expression or a mapping, in the order of the fields; empty when there is none."""
    reading, problems = read_cron(cron)
    if reading is None or days.first_day(reading, days.CHECKED_FROM, years=days.CHECKED_YEARS) is not None:
        return list(problems)
    field = "wday" if reading.any_day else "day"
    message = f"the expression selects no day within {days.CHECKED_YEARS} years"
    return [*problems, CronProblem(field, message, "error")]


class Cron:
    """A cron schedule in a zone. `cron_schedule` gives equal ones one identity, so they share answers."""

    kind: ClassVar[str] = "cron"

    def __init__(self, reading: CronReading, zone: ZoneInfo) -> None:
        self.reading = reading
        self.zone = zone

    @property
    def rate_like(self) -> bool:
        """R2: real time decides, and both copies of a repeated hour run."""
        return self.reading.rate_like

    def next_after(self, instant: datetime) -> Slot | None:
        """The first slot strictly after `instant` (aware), or None when none follows."""
        return _next_after(self, instant)

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The slots in `(after, until]`, in order."""
        return slots_between(self, after, until)


def cron_schedule(cron: str | Mapping[str, Any], zone: ZoneInfo) -> Cron:
    """The schedule that an expression means in a zone; ScheduleProblem with the field that is wrong."""
    reading, problems = read_cron(cron)
    if reading is None:
        first = next(problem for problem in problems if problem.severity == "error")
        raise ScheduleProblem(f"cron.{first.field}" if first.field else "cron", first.message)
    return _shared(reading, zone)


@lru_cache(maxsize=4096)
def _shared(reading: CronReading, zone: ZoneInfo) -> Cron:
    return Cron(reading, zone)


@lru_cache(maxsize=4096)
def _next_after(schedule: Cron, instant: datetime) -> Slot | None:
    """Cached by schedule and instant: many jobs on few schedules cost as many answers as schedules."""
    instant = max(instant.astimezone(UTC), _EARLIEST)
    if instant >= _LATEST:
        return None
    if schedule.rate_like:
        at = _next_in_real_time(schedule.reading, schedule.zone, instant)
        return None if at is None else _rate_slot(at, schedule.zone)
    return _next_on_the_clock(schedule, instant)


# Clock-like: the local times of a day, each mapped to its instant (R3, R4).


def _next_on_the_clock(schedule: Cron, instant: datetime) -> Slot | None:
    reading, zone = schedule.reading, schedule.zone
    day = days.first_day(reading, zones.wall_time(zone, instant).date())
    while day is not None:
        instants, slots = _slots_of_day(schedule, day)
        position = bisect_right(instants, instant)
        if position < len(slots):
            slot = slots[position]
            return _with_next_day(schedule, day, slot) if position == len(slots) - 1 else slot
        day = days.first_day(reading, day + _DAY)
    return None


@lru_cache(maxsize=4096)
def _slots_of_day(schedule: Cron, day: date) -> tuple[tuple[datetime, ...], tuple[Slot, ...]]:
    """The slots of a local day and their instants; those that land on one instant are one slot (R3)."""
    zone, reading = schedule.zone, schedule.reading
    walls = [
        datetime.combine(day, time(hour, minute)) for hour in reading.hours for minute in reading.minutes
    ]
    offset = zones.keeps_one_offset(zone, day)
    if offset is not None:
        slots = tuple(_clock_slot((wall - offset).replace(tzinfo=UTC), [wall], "", zone) for wall in walls)
        return tuple(slot.at for slot in slots), slots
    together: dict[datetime, list[datetime]] = {}
    marks: dict[datetime, str] = {}
    for wall in walls:
        due = zones.due_instant(zone, wall)
        together.setdefault(due.at, []).append(wall)
        marks[due.at] = marks.get(due.at) or due.mark
    slots = tuple(_clock_slot(at, together[at], marks[at], zone) for at in sorted(together))
    return tuple(slot.at for slot in slots), slots


def _with_next_day(schedule: Cron, day: date, slot: Slot) -> Slot:
    """The last slot of a day, with those of the next day that land on its instant: a gap over midnight."""
    if "gap" not in slot.marks or not days.selects(schedule.reading, day + _DAY):
        return slot
    first = _slots_of_day(schedule, day + _DAY)[1][0]
    if first.at != slot.at:
        return slot
    return replace(slot, marks=("gap", "merged"), merged=(*slot.merged, *first.keys))


def _clock_slot(at: datetime, walls: list[datetime], mark: str, zone: ZoneInfo) -> Slot:
    marks = (*((mark,) if mark else ()), *(("merged",) if len(walls) > 1 else ()))
    first, *more = (wall_key(wall, zone) for wall in walls)
    return Slot(first, at, local_text(at, zone), marks, tuple(more))


# Rate-like: the instants at which the zone's clocks show a selected minute, as often as they show it (R5).


def _next_in_real_time(reading: CronReading, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Walks from one change of the offset to the next; between two of them local time is plain arithmetic."""
    position, inclusive = after, False
    while position < _LATEST:
        offset = zones.offset_at(zone, position)
        local = (position + offset).replace(tzinfo=None)
        wall = _first_wall(reading, local, inclusive=inclusive)
        if wall is None:
            return None
        found = (wall - offset).replace(tzinfo=UTC)
        change = zones.first_change(zone, position, min(found, position + _NEAR))
        if change is not None:
            position, inclusive = change, True
        elif found - position <= _NEAR:
            return found
        else:  # far away: other changes may lie between; go on a day and a half before it
            position, inclusive = found - 0.75 * _NEAR, True
    return None


def _first_wall(reading: CronReading, local: datetime, *, inclusive: bool) -> datetime | None:
    """The first selected naive minute after `local` (or at it)."""
    start = local.replace(second=0, microsecond=0)
    if start < local or not inclusive:
        start += _MINUTE
    day = days.first_day(reading, start.date())
    if day is None:
        return None
    if day > start.date():
        return datetime.combine(day, time(0, reading.minutes[0]))
    position = bisect_left(reading.minutes, start.minute)
    if position < len(reading.minutes):
        return start.replace(minute=reading.minutes[position])
    hour = start.replace(minute=0) + timedelta(hours=1)
    return _first_wall(reading, hour, inclusive=True)


def _rate_slot(at: datetime, zone: ZoneInfo) -> Slot:
    local = zones.local_time(zone, at)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return Slot(instant_key(at), at, local_text(at, zone), ("fold",) if twice else ())
