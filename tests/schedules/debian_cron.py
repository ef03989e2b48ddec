"""When does Debian's cron start a line? Its main loop (cron.c of 3.0pl1), minute by minute.

At each minute it compares the local time with the one that it had reached: a jump forward of up to three
hours starts what is fixed in the minutes left out and what is wild now; a jump back of less than three hours
starts only what is wild until the time is reached again. Wild is a line whose minute or hour begins with a
star.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
THREE_HOURS = 180


class Line:
    def __init__(self, text: str) -> None:
        fields = text.split()
        bounds = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
        self._sets = [_values(field, *bound) for field, bound in zip(fields, bounds, strict=True)]
        stars = [field.startswith("*") for field in fields]
        self.wild = stars[0] or stars[1]
        self._both_days = stars[2] or stars[4]

    def due(self, local_minute: int) -> bool:
        at = EPOCH + local_minute * MINUTE
        minutes, hours, days, months, wdays = self._sets
        by_day, by_wday = at.day in days, at.isoweekday() % 7 in wdays
        day = by_day and by_wday if self._both_days else by_day or by_wday
        return at.minute in minutes and at.hour in hours and at.month in months and day


def _values(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if span == "*" else span).partition("-")
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def starts(text: str, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants of its starts in `(after, until]`; one comes twice when two starts fall on it."""
    line = Line(text)

    def local(at: datetime) -> int:
        return (at - EPOCH + (at.astimezone(zone).utcoffset() or timedelta())) // MINUTE

    reached, now = local(after), after
    while (now := now + MINUTE) <= until:
        clock = local(now)
        jump = clock - reached
        if jump == 1:
            reached = clock
            yield from [now] * line.due(clock)
        elif 1 < jump <= 5:
            yield from [now] * sum(map(line.due, range(reached + 1, clock + 1)))
            reached = clock
        elif 5 < jump <= THREE_HOURS:
            if line.wild:
                yield from [now] * line.due(clock)
            else:
                yield from [now] * sum(map(line.due, range(reached + 1, clock + 1)))
            reached = clock
        elif -THREE_HOURS < jump <= 0:
            yield from [now] * (line.wild and line.due(clock))
        else:
            reached = clock
            yield from [now] * line.due(clock)
