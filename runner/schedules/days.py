"""Which days does a cron expression select? croniter matches plain parts; we join them and expand `LW`.

Day of month OR day of week when both are restricted. Each special term (`L`, `5L`, `n#k`) is asked for alone,
because croniter joins them to the rest of the expression with AND.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from runner.schedules.dialect import CronReading

HORIZON_YEARS = 50
"""How far ahead a match is looked for at run time; 29 February on a Monday comes every 28 years."""

CHECKED_FROM = date(2026, 1, 1)
CHECKED_YEARS = 5
"""R7's five years, from a fixed day: whether a declaration is valid does not depend on when it is read."""

_LAST_DAY = date(9990, 1, 1)


def first_day(reading: CronReading, start: date, *, years: int = HORIZON_YEARS) -> date | None:
    """The first selected day that is `start` or later, or None when none follows within `years`."""
    if start >= _LAST_DAY:
        return None
    if reading.any_day and reading.any_wday and len(reading.months) == 12:
        return start
    parts = day_expressions(reading)
    found = [day for part in parts if (day := _first_match(part, start, years)) is not None]
    if reading.last_weekday and (day := _first_last_weekday(reading.months, start, years)) is not None:
        found.append(day)
    last = start + timedelta(days=round(365.25 * years))
    return min((day for day in found if day <= last), default=None)


def selects(reading: CronReading, day: date) -> bool:
    """Whether a day is selected."""
    return first_day(reading, day) == day


@lru_cache(maxsize=4096)
def day_expressions(reading: CronReading) -> tuple[str, ...]:
    """Canonical expressions for croniter, at midnight; a day is selected when any of them matches it."""
    months = _plain(reading.months, 12)
    by_day = [_plain(reading.days, 31)] if reading.days and not reading.any_day else []
    by_day += ["l"] if reading.last_day and not reading.any_day else []
    by_wday = [_plain(reading.wdays, 7)] if reading.wdays and not reading.any_wday else []
    if not reading.any_wday:
        by_wday += [f"l{wday}" for wday in reading.last_wdays]
        by_wday += [f"{wday}#{which}" for wday, which in reading.nth]
    if not by_day and not by_wday and not (reading.last_weekday and not reading.any_day):
        return (f"0 0 * {months} *",)
    return (*(f"0 0 {day} {months} *" for day in by_day), *(f"0 0 * {months} {wday}" for wday in by_wday))


@lru_cache(maxsize=4096)
def _first_match(expression: str, start: date, years: int) -> date | None:
    from croniter import CroniterBadDateError, croniter  # 64 ms, only for schedules that restrict days

    just_before = datetime.combine(start, time()) - timedelta(seconds=1)
    # Naive in, naive out: croniter never sees a zone.
    matcher = croniter(expression, just_before, ret_type=datetime, max_years_between_matches=years)
    try:
        found: datetime = matcher.get_next(datetime)
    except CroniterBadDateError:
        return None
    return found.date()


def _first_last_weekday(months: tuple[int, ...], start: date, years: int) -> date | None:
    """The first `LW` day: the last Monday to Friday of a selected month."""
    for month_index in range(start.year * 12 + start.month - 1, (start.year + years) * 12 + start.month):
        year, month = divmod(month_index, 12)
        if month + 1 not in months:
            continue
        following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
        last = following - timedelta(days=1)
        last -= timedelta(days=max(0, last.weekday() - 4))
        if last >= start:
            return last
    return None


def _plain(values: tuple[int, ...], whole: int) -> str:
    return "*" if len(values) == whole else ",".join(map(str, values))
