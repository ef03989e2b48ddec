"""What the clocks of a zone really show, minute by minute, and what our slots must be because of it.

The minutes are asked of the tz database one by one; nothing here uses the code that it is to prove.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from runner.schedules.dialect import read_cron
from runner.schedules.kinds import schedule_from

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)
PROBE = timedelta(hours=3)
BOTH_SIDES = timedelta(hours=40)
"""Around a change: more than a whole local day on each side of it."""

ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Santiago",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Almaty",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kolkata",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Chatham",
    "Pacific/Easter",
    "UTC",
)
"""Twenty, for every run of the tests: changes at midnight, of half an hour, of two hours, and none."""

CLOCK_LIKE = (
    "30 2 * * *",
    "0 0 * * *",
    "*/20 0-3 * * *",
    "0,59 0,1,2,3,23 * * *",
    "15 */2 * * 0,6",
    "*/30 22,23,0,1 * * *",
    "45 0 L * *",
)
RATE_LIKE = ("0 * * * *", "*/15 * * * *", "7,37 * * * 0,6")


@lru_cache(maxsize=1024)
def changes(zone: str, after: datetime = START, until: datetime = END) -> tuple[datetime, ...]:
    """Every change of the zone's offset, to the minute."""
    place, found = ZoneInfo(zone), []
    position, offset = after, after.astimezone(place).utcoffset()
    while position < until:
        step = position + PROBE
        if step.astimezone(place).utcoffset() != offset:
            step = position + MINUTE
            while step.astimezone(place).utcoffset() == offset:
                step += MINUTE
            found.append(step)
            offset = step.astimezone(place).utcoffset()
        position = step
    return tuple(found)


@dataclass(frozen=True)
class Shown:
    """The minutes of a stretch of real time, and what the clocks show in each."""

    instants: tuple[datetime, ...]
    walls: tuple[datetime, ...]

    def first(self, wall: datetime) -> datetime:
        """When the clocks first show it; if they never do, the first instant after the gap that has it."""
        if wall in self._first_of:
            return self._first_of[wall]
        return next(at for at, shown in zip(self.instants, self.walls, strict=True) if shown > wall)

    @cached_property
    def _first_of(self) -> dict[datetime, datetime]:
        found: dict[datetime, datetime] = {}
        for at, wall in zip(self.instants, self.walls, strict=True):
            found.setdefault(wall, at)
        return found

    @cached_property
    def whole(self) -> tuple[datetime, datetime]:
        """From the first instant of the first whole local day to the end of the last one."""
        first, last = self.walls[0].date() + DAY, self.walls[-1].date()
        dates = [wall.date() for wall in self.walls]
        starts = (next(n for n, day in enumerate(dates) if day >= edge) for edge in (first, last))
        start, beyond = (self.instants[n] for n in starts)
        return start, beyond

    def days(self) -> Iterator[date]:
        """The local days that lie in it as a whole, also those that no clock shows."""
        day, last = self.walls[0].date() + DAY, self.walls[-1].date()
        while day < last:
            yield day
            day += DAY


@lru_cache(maxsize=64)
def shown(zone: str, after: datetime, until: datetime) -> Shown:
    place = ZoneInfo(zone)
    instants = tuple(after + n * MINUTE for n in range((until - after) // MINUTE))
    return Shown(instants, tuple(at.astimezone(place).replace(tzinfo=None, fold=0) for at in instants))


def selects(cron: str, day: date) -> bool:
    """Of the expressions here: no month is restricted, and a day or a weekday at most."""
    _, _, of_month, _, of_week = cron.split()
    if of_month == "L":
        return (day + DAY).day == 1
    return of_week == "*" or str(day.isoweekday() % 7) in of_week.split(",")


def expected(cron: str, zone: str, seen: Shown) -> dict[str, datetime]:
    """The name of every slot of the whole local days, and its instant."""
    reading = read_cron(cron)[0]
    assert reading is not None
    days = {day for day in seen.days() if selects(cron, day)}
    if cron in RATE_LIKE:
        return {
            f"{at:%Y-%m-%dT%H:%M:%S}Z": at
            for at, wall in zip(seen.instants, seen.walls, strict=True)
            if wall.date() in days and wall.minute in reading.minutes
        }
    walls = (datetime.combine(d, time(h, m)) for d in days for h in reading.hours for m in reading.minutes)
    return {f"{wall:%Y-%m-%dT%H:%M}[{zone}]": seen.first(wall) for wall in walls}


def faults(zone: str, around: datetime, crons: tuple[str, ...] = CLOCK_LIKE + RATE_LIKE) -> list[str]:
    """Everything that is wrong with our slots around this instant; empty is the proof."""
    seen = shown(zone, around - BOTH_SIDES, around + BOTH_SIDES)
    return [fault for cron in crons for fault in _faults(zone, around, cron, seen)]


def _faults(zone: str, around: datetime, cron: str, seen: Shown) -> Iterator[str]:
    where = f"{cron} in {zone} around {around}"
    schedule = schedule_from({"cron": cron, "timezone": zone})
    slots = list(schedule.between(seen.instants[0], seen.instants[-1]))
    instants = [slot.at for slot in slots]
    if any(now <= was for was, now in pairwise(instants)):
        yield f"{where}: not strictly increasing"
    keys = [key for slot in slots for key in slot.keys]
    if len(keys) != len(set(keys)):
        yield f"{where}: a slot fires twice"
    due = expected(cron, zone, seen)
    first, beyond = seen.whole
    ours = {key: s.at for s in slots for key in s.keys if key in due or first <= s.at < beyond}
    if ours != due:
        missing, wrong = due.keys() - ours.keys(), ours.keys() - due.keys()
        moved = [key for key in due.keys() & ours.keys() if due[key] != ours[key]]
        yield f"{where}: missing {sorted(missing)}, too many {sorted(wrong)}, elsewhere {sorted(moved)}"
    for at in _starts(around):
        if slots and at < instants[-1] and schedule.next_after(at) != slots[bisect_right(instants, at)]:
            yield f"{where}: from {at} comes {schedule.next_after(at)}"


def _starts(around: datetime) -> Iterator[datetime]:
    """Where one may stand when one asks, close to a change."""
    yield from (around - INSTANT, around, around + INSTANT, around - MINUTE, around + timedelta(seconds=30))
    yield from (around + n * timedelta(minutes=47) for n in range(-9, 10))
