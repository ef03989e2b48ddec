"""Calendars: which times of a zone are left out? (R13: they are subtracted.)

A calendar names dates. Each is a whole day of the wall clock of whoever uses it, a span of days (both ends
belong to it), or a span of local times (half-open); written without a year it comes every year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.slot import Schedule, ScheduleProblem, Slot, slots_between

_DAY = timedelta(days=1)
_YEARLY = re.compile(r"([0-9]{2})-([0-9]{2})")
_LEAP_YEAR = 2028
_FARTHEST = timedelta(days=50 * 366)
"""How far ahead a slot is looked for of which every calendar leaves out the ones before."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of a calendar, with its ends as written: `2026-12-24`, `12-24` or `2026-12-24T18:00`."""

    calendar: str
    name: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A stretch of time, `[begins, ends)` in UTC, and the calendar and the name it comes from."""

    begins: datetime
    ends: datetime
    calendar: str
    name: str


class Calendars:
    """Everything that some calendars leave out, on the wall clock of one zone."""

    def __init__(self, entries: Iterable[Entry], zone: ZoneInfo) -> None:
        self.entries = tuple(entries)
        self.zone = zone
        self._by_year: dict[int, tuple[LeftOut, ...]] = {}

    def covering(self, instant: datetime) -> LeftOut | None:
        """What leaves out this instant; the one that lasts longest, when several do."""
        year = zones.wall_time(self.zone, instant).year
        found = [each for each in self._around(year) if each.begins <= instant < each.ends]
        return max(found, key=lambda each: (each.ends, each.begins), default=None)

    def is_over(self, instant: datetime) -> bool:
        """Whether nothing of it lies after this moment; what comes every year is never over."""
        if any(_YEARLY.fullmatch(entry.first) for entry in self.entries):
            return False
        return all(
            left.ends <= instant
            for entry in self.entries
            for left in _of(entry, self.zone, int(entry.last[:4]))
        )

    def subtract(self, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
        """What is left of `[begins, ends)`, in order; a stretch of at most some days."""
        position = begins
        for each in self._around(zones.wall_time(self.zone, begins).year):
            if each.ends <= position or each.begins >= ends:
                continue
            if each.begins > position:
                yield position, each.begins
            position = max(position, each.ends)
        if position < ends:
            yield position, ends

    def _around(self, year: int) -> tuple[LeftOut, ...]:
        """All that touches a year or its neighbours, by their begin."""
        if year not in self._by_year:
            found = [left for entry in self.entries for left in _of(entry, self.zone, year)]
            self._by_year[year] = tuple(sorted(found, key=lambda each: (each.begins, each.ends)))
        return self._by_year[year]


class Without:
    """A schedule whose slots are left out at the times of calendars."""

    def __init__(self, schedule: Schedule, calendars: Calendars) -> None:
        self.schedule = schedule
        self.calendars = calendars

    @property
    def kind(self) -> str:
        return self.schedule.kind

    @property
    def zone(self) -> ZoneInfo:
        return self.schedule.zone

    @property
    def interval(self) -> timedelta | None:
        """The distance of two slots, where the schedule has one."""
        return getattr(self.schedule, "interval", None)

    def next_after(self, instant: datetime) -> Slot | None:
        """The first slot strictly after `instant` that no calendar leaves out, or None."""
        slot = self.schedule.next_after(instant)
        while slot is not None and (left_out := self.calendars.covering(slot.at)) is not None:
            if slot.at - instant > _FARTHEST:
                return None
            slot = self.schedule.next_after(left_out.ends - timedelta(microseconds=1))
        return slot

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The slots in `(after, until]` that no calendar leaves out, in order."""
        return slots_between(self, after, until)


@lru_cache(maxsize=1024)
def calendars_in(zone: ZoneInfo, entries: tuple[Entry, ...]) -> Calendars:
    """Equal calendars in one zone are one object; ScheduleProblem when one of their dates is none."""
    for entry in entries:
        check_span(entry.first, entry.last)
    return Calendars(entries, zone)


def entries_of(resolved: Mapping[str, Mapping[str, Mapping[str, str]]]) -> tuple[Entry, ...]:
    """The entries of resolved calendars: calendar → name → `{from, to}`."""
    if not isinstance(resolved, Mapping):
        raise ScheduleProblem("calendars", "the dates of its calendars are not part of it; apply it anew")
    return tuple(
        Entry(calendar, name, span["from"], span["to"])
        for calendar, dates in sorted(resolved.items())
        for name, span in sorted(dates.items())
    )


def check_span(first: str, last: str) -> None:
    """ScheduleProblem when the ends are no dates or times, differ in their form, or stand the wrong way."""
    begin, end = _read(first), _read(last)
    if type(begin) is not type(end):
        raise ScheduleProblem(
            "to", f"{first!r} and {last!r} are written in two ways; write both like 2026-12-24, both like "
            "12-24 (every year) or both like 2026-12-24T18:00"
        )  # fmt: skip
    if isinstance(begin, datetime) and isinstance(end, datetime):
        if end <= begin:
            raise ScheduleProblem("to", f"{last!r} is not after {first!r}")
    elif isinstance(begin, date) and isinstance(end, date) and end < begin:
        raise ScheduleProblem("to", f"{last!r} is before {first!r}")


def _read(text: str) -> date | datetime | tuple[int, int]:
    """A date, a local time, or the month and the day of every year."""
    problem = ScheduleProblem(
        "from", f"{text!r} is no date; write it like 2026-12-24, 12-24 (every year) or 2026-12-24T18:00"
    )
    yearly = _YEARLY.fullmatch(text)
    try:
        if yearly is not None:
            date(_LEAP_YEAR, int(yearly[1]), int(yearly[2]))
            return int(yearly[1]), int(yearly[2])
        if len(text) == len("2026-12-24"):
            return min(max(date.fromisoformat(text), zones.FIRST_DAY), zones.LAST_DAY)
        moment = zones.within_reach(datetime.fromisoformat(text))
    except ValueError:
        raise problem from None
    if moment.tzinfo is not None:
        raise ScheduleProblem(
            "from", f"{text!r} has an offset; a calendar follows the clocks of its schedule"
        )
    return moment


def _of(entry: Entry, zone: ZoneInfo, year: int) -> Iterator[LeftOut]:
    """What the entry leaves out in a year and its neighbours."""
    first, last = _read(entry.first), _read(entry.last)
    spans: list[tuple[datetime, datetime]] = []
    if isinstance(first, tuple) and isinstance(last, tuple):
        for each in (year - 1, year, year + 1):
            begin, end = _in_year(each, first), _in_year(each + (last < first), last)
            if first[1] > begin.day:
                begin += _DAY  # 29 February, in a year that has none
            spans.append((_midnight(begin), _midnight(end + _DAY)))
    elif isinstance(first, datetime) and isinstance(last, datetime):
        spans.append((first, last))
    elif isinstance(first, date) and isinstance(last, date):
        spans.append((_midnight(first), _midnight(last + _DAY)))
    for begins, ends in spans:
        if begins.year <= year + 1 and ends.year >= year - 1:
            left_out = _left_out(entry, zone, begins, ends)
            if left_out.begins < left_out.ends:
                yield left_out


def _in_year(year: int, month_and_day: tuple[int, int]) -> date:
    month, day = month_and_day
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _left_out(entry: Entry, zone: ZoneInfo, begins: datetime, ends: datetime) -> LeftOut:
    return LeftOut(
        zones.due_instant(zone, begins).at, zones.due_instant(zone, ends).at, entry.calendar, entry.name
    )
