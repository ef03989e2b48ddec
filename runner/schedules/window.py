"""`window`: when may a run go on? Ranges of dates with daily hours, on the wall clock of a zone (R13).

Half-open; hours whose end is not after their start end on the next day, and weekdays and days of the range
are those of the opening. Several windows add up, calendars are subtracted. An edge in a gap moves to the
first instant after it, one that comes twice is the first of the two, as for cron (R3, R4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.calendar import Calendars
from runner.schedules.slot import ScheduleProblem, Slot, instant_key, local_text, slots_between

OnClose = Literal["pause", "finish", "stop"]

_DAY = timedelta(days=1)
HORIZON = timedelta(days=5 * 366)
"""How far ahead the next opening is looked for."""
NEVER_CLOSES = timedelta(days=400)
"""A stretch that lasts longer is taken to close then; nobody waits for that."""
_LOOKED_BACK = 100
"""Days; what opened before seems to have opened then."""
_FIRST_DAY = date(1900, 1, 1)
_LAST_DAY = date(9900, 1, 1)
_EARLIEST = datetime(1900, 1, 2, tzinfo=UTC)
_LATEST = datetime(9900, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hours:
    """One declared window. `first` and `last` are days on which it may open, `begins` and `ends` instants
    that cut it where the range is written with times. `start` and `end` are minutes of a day; weekdays count
    from Monday, 0.
    """

    start: int
    end: int
    first: date | None = None
    last: date | None = None
    begins: datetime | None = None
    ends: datetime | None = None
    weekdays: frozenset[int] = frozenset(range(7))
    last_start: timedelta = timedelta(0)
    on_close: OnClose = "pause"
    close_grace: timedelta = timedelta(minutes=5)

    @property
    def text(self) -> str:
        """`22:00-04:00`."""
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.start, self.end))

    @property
    def length(self) -> timedelta:
        """From start to end, on a day on which no clock is changed."""
        minutes = self.end - self.start
        return timedelta(minutes=minutes if minutes > 0 else minutes + 24 * 60)

    def open_on(self, day: date) -> bool:
        """Whether the range and the weekdays let it open on a day."""
        in_range = (self.first is None or day >= self.first) and (self.last is None or day <= self.last)
        return in_range and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Opening:
    """A stretch in which runs may go on, `[opens_at, closes_at)` in UTC, and what is done at its close."""

    opens_at: datetime
    closes_at: datetime
    last_start: timedelta
    on_close: OnClose
    close_grace: timedelta

    @property
    def starts_until(self) -> datetime:
        """Nothing is started at this moment or later."""
        return max(self.closes_at - self.last_start, self.opens_at)

    def may_start(self, instant: datetime) -> bool:
        """Whether something may be started at this moment."""
        return self.opens_at <= instant < self.starts_until


class Window:
    """All windows of a schedule. With `each` every opening is a slot, else the whole range is one."""

    kind: ClassVar[str] = "window"

    def __init__(
        self,
        hours: tuple[Hours, ...],
        zone: ZoneInfo,
        calendars: Calendars | None = None,
        *,
        each: bool = False,
        retry_every: timedelta = timedelta(minutes=5),
    ) -> None:
        self.hours = hours
        self.zone = zone
        self.calendars = calendars
        self.each = each
        self.retry_every = retry_every
        # What was found last: jobs share windows, and ask about moments that lie close together.
        self._seen: Opening | None = None
        self._following: tuple[datetime, Opening] | None = None
        self._closed: tuple[datetime, datetime] | None = None
        self._none_after: datetime | None = None

    @cached_property
    def has_start(self) -> bool:
        """Whether the range has a first day."""
        return all(hours.first is not None or hours.begins is not None for hours in self.hours)

    @cached_property
    def range_key(self) -> str:
        """The key of the one slot of the range (R6): its start, as it is declared. Empty with `each`."""
        return "" if self.each else f"window:{instant_key(self.range_start)}"

    @cached_property
    def range_start(self) -> datetime:
        """The first instant of the range: of its first day, or as it is written."""
        return min(self._start_of(hours) for hours in self.hours)

    @cached_property
    def last_close(self) -> datetime | None:
        """The end of the range: when its last opening closes. None when it never ends or never opens."""
        return self._find_last_close()

    def opening_at(self, instant: datetime) -> Opening | None:
        """What is open at this moment."""
        seen = self._seen
        if seen is not None and seen.opens_at <= instant < seen.closes_at:
            return seen
        if self._closed is not None and self._closed[0] <= instant < self._closed[1]:
            return None
        back = 2
        while True:
            day = self._day(instant, -back)
            found = next((o for o in self._openings(day) if o.closes_at > instant), None)
            if found is None or found.opens_at > instant:
                following = self.next_opening(instant)
                self._closed = instant, _LATEST if following is None else following.opens_at
                return None
            if found.opens_at > self._midnight(day) + _DAY or back > _LOOKED_BACK:
                self._seen = found
                return found
            back *= 4  # it may have opened before the days that were looked at

    def next_opening(self, instant: datetime) -> Opening | None:
        """What opens next, strictly after this moment; None when nothing does within five years."""
        if self._none_after is not None and instant >= self._none_after:
            return None
        if self._following is not None and self._following[0] <= instant < self._following[1].opens_at:
            return self._following[1]
        start = max(instant, self.range_start - _DAY) if self.has_start else instant
        found = next((o for o in self._openings(self._day(start, -3)) if o.opens_at > instant), None)
        if found is None:
            self._none_after = instant
        else:
            self._following = instant, found
        return found

    def last_opening(self, instant: datetime) -> Opening | None:
        """The latest opening that has closed at this moment; None when none has in the last three months."""
        back = 4
        while back <= _LOOKED_BACK:
            closed = None
            for opening in self._openings(self._day(instant, -back)):
                if opening.closes_at > instant:
                    break
                closed = opening
            if closed is not None:
                return closed
            back *= 4
        return None

    def is_over(self, instant: datetime) -> bool:
        """Whether nothing is open and nothing will open."""
        return self.opening_at(instant) is None and self.next_opening(instant) is None

    def next_after(self, instant: datetime) -> Slot | None:
        """The next opening as a slot; those of one range have one key."""
        opening = self.next_opening(instant)
        return None if opening is None else self.slot_of(opening)

    def slot_of(self, opening: Opening) -> Slot:
        """The slot that an opening stands for, due when it opens."""
        key = f"window:{instant_key(opening.opens_at)}" if self.each else self.range_key
        local = local_text(opening.opens_at, self.zone)
        return Slot(key, opening.opens_at, local, closes_at=opening.closes_at)

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The openings in `(after, until]`, in order."""
        return slots_between(self, after, until)

    def edges(self, day: date) -> Iterator[tuple[Hours, zones.Due, zones.Due]]:
        """The hours that open on a day, with what the clocks make of both ends; calendars are left aside."""
        for hours in self.hours:
            if hours.open_on(day):
                after = day if hours.end > hours.start else day + _DAY
                yield hours, self._due(day, hours.start), self._due(after, hours.end)

    # -- days → pieces → openings

    def _openings(self, day: date) -> Iterator[Opening]:
        """In order, from those of `day` on; what opened before may seem to open later than it did."""
        last = min(self._last_day(), _LAST_DAY)
        if day >= _LAST_DAY:
            return
        until = day + HORIZON
        pending: list[Opening] = []
        current: Opening | None = None
        while day <= last and day <= until:
            pending = sorted([*pending, *self._pieces(day)], key=lambda piece: piece.opens_at)
            day += _DAY
            floor = self._midnight(day)
            while pending and pending[0].opens_at < floor:
                piece = pending.pop(0)
                if current is not None and piece.opens_at > current.closes_at:
                    yield current
                    current = None
                current = piece if current is None else _joined(current, piece)
            if current is not None and (
                current.closes_at < floor or current.closes_at - current.opens_at > NEVER_CLOSES
            ):
                yield current
                if current.closes_at >= floor:
                    return
                current = None
        for piece in pending:
            if current is not None and piece.opens_at > current.closes_at:
                yield current
                current = None
            current = piece if current is None else _joined(current, piece)
        if current is not None:
            yield current

    def _pieces(self, day: date) -> Iterator[Opening]:
        """What opens on a day, by the hours alone; several may overlap."""
        for hours, opens, closes in self.edges(day):
            opens_at = opens.at if hours.begins is None else max(opens.at, hours.begins)
            closes_at = closes.at if hours.ends is None else min(closes.at, hours.ends)
            if opens_at >= closes_at:  # the clocks leave it out, or the range does
                continue
            whole = Opening(opens_at, closes_at, hours.last_start, hours.on_close, hours.close_grace)
            if self.calendars is None:
                yield whole
                continue
            for begins, ends in self.calendars.subtract(opens_at, closes_at):
                yield replace(whole, opens_at=begins, closes_at=ends)

    def _due(self, day: date, minutes: int) -> zones.Due:
        wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
        return zones.due_instant(self.zone, wall)

    def _midnight(self, day: date) -> datetime:
        return self._due(day, 0).at

    def _day(self, instant: datetime, more: int) -> date:
        """The local day of an instant, so many days later, within what a date can be."""
        wall = zones.wall_time(self.zone, min(max(instant, _EARLIEST), _LATEST))
        return max(wall.date() + more * _DAY, _FIRST_DAY)

    def _start_of(self, hours: Hours) -> datetime:
        if hours.begins is not None:
            return hours.begins
        if hours.first is None:
            raise ScheduleProblem("window.from", "the range has no first day")
        return self._midnight(hours.first)

    def _last_day(self) -> date:
        """The last day on which something may open."""
        days = []
        for hours in self.hours:
            if hours.last is not None:
                days.append(hours.last)
            elif hours.ends is not None:
                days.append(self._day(hours.ends, 0))
            else:
                return date.max
        return max(days)

    def _find_last_close(self) -> datetime | None:
        last = self._last_day()
        if last == date.max:
            return None
        day = last
        for _ in range(HORIZON.days):
            found = max((piece.closes_at for piece in self._pieces(day)), default=None)
            if found is not None:
                earlier = (piece.closes_at for piece in self._pieces(day - _DAY))
                return max([found, *earlier])
            day -= _DAY
        return None


def _joined(earlier: Opening, later: Opening) -> Opening:
    """The union of two that touch: what ends it is done at its close."""
    ends_it = later if later.closes_at >= earlier.closes_at else earlier
    return replace(ends_it, opens_at=earlier.opens_at)
