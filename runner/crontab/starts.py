"""At which instants does Debian's cron start a line, also when the clocks change?

cron(8), as Debian's 3.0pl1 does it: a line with a star in its minute or hour follows the new time at once.
Any other that falls into skipped time (less than three hours) is started right after the change, once for
each skipped slot, and is not started again in repeated time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from runner.crontab.times import CronTime
from runner.schedules import zones

_DAY = timedelta(days=1)
_CORRECTION = timedelta(hours=3)
"""A change of so much is none of daylight saving: the new time counts at once."""


def cron_starts(line: CronTime, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants (UTC) in `(after, until]` at which cron starts it, in order; one stands there twice when
    cron starts it twice."""
    day = zones.wall_time(zone, after).date() - _DAY
    last = zones.wall_time(zone, until).date() + _DAY
    found: list[datetime] = []
    while day <= last:
        found += _starts_of_day(line, zone, day)
        day += _DAY
    yield from sorted(at for at in found if after < at <= until)


def _starts_of_day(line: CronTime, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    if not line.selects_day(day.day, day.month, (day.weekday() + 1) % 7):
        return
    offset = zones.keeps_one_offset(zone, day)
    for hour in line.hours:
        for minute in line.minutes:
            wall = datetime.combine(day, time(hour, minute))
            if offset is not None:
                yield (wall - offset).replace(tzinfo=UTC)
            else:
                yield from _near_a_change(line, zone, wall)


def _near_a_change(line: CronTime, zone: ZoneInfo, wall: datetime) -> Iterator[datetime]:
    """Once; or never, or twice, where the clock shows this minute never or twice."""
    due = zones.due_instant(zone, wall)
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    follows_the_clock = line.wildcard or abs(first - second) >= _CORRECTION
    if due.mark == "gap" and follows_the_clock:
        return
    yield due.at
    if due.mark == "fold" and follows_the_clock:
        yield wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
