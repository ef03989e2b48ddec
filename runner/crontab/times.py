"""When does cron start a line: what do its five fields select, as cron itself reads them?

Debian's cron (3.0pl1) is the measure, cronie where it differs is said. It is not the dialect of our own
schedules (rule R7): a field that *begins* with a star makes the two day fields a logical AND, and `1-31`
beside a weekday selects every day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
REBOOT = "@reboot"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_RANGES: dict[str, tuple[int, int, Sequence[str]]] = {
    "minute": (0, 59, ()),
    "hour": (0, 23, ()),
    "day of the month": (1, 31, ()),
    "month": (1, 12, _MONTHS),
    "day of the week": (0, 7, _WEEKDAYS),
}
_WEEK = 7
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""How many days each month has at most."""


class NotCron(ValueError):
    """Fields that cron does not accept, or not as they look; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A schedule here: an expression, and the only days of the month that count, if it needs a calendar."""

    cron: str
    only_days: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CronTime:
    """What the five fields select. The flags say whether a field begins with a star, as cron remembers it."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    wdays: tuple[int, ...]
    """From Sunday = 0 to Saturday = 6."""
    wildcard: bool
    """Minute or hour begins with a star: cron follows the new time at once when clocks change."""
    both_days: bool
    """One of the day fields begins with a star: a day must fit both. Otherwise one of them is enough."""

    def selects_day(self, day: int, month: int, wday: int) -> bool:
        """Whether cron starts it on that date; `wday` counts from Sunday = 0."""
        if month not in self.months:
            return False
        by_day, by_wday = day in self.days, wday in self.wdays
        return (by_day and by_wday) if self.both_days else (by_day or by_wday)


def read_time(fields: Sequence[str]) -> CronTime:
    """The five fields; NotCron when cron would not accept them, or would read only a part of one."""
    minutes, hours, days, months, wdays = (
        _list(field, text) for field, text in zip(_RANGES, fields, strict=True)
    )
    return CronTime(
        minutes,
        hours,
        days,
        months,
        tuple(sorted({wday % _WEEK for wday in wdays})),
        wildcard=fields[0].startswith("*") or fields[1].startswith("*"),
        both_days=fields[2].startswith("*") or fields[4].startswith("*"),
    )


def as_ours(time: CronTime, text: str) -> Ours:
    """The schedule of our own dialect that selects the same; `text` itself where it means the same.

    NotCron when it selects no day at all.
    """
    from runner.schedules.cron import check_cron
    from runner.schedules.dialect import read_cron

    if not _selects_a_day(time):
        raise NotCron("it selects no day that there is")
    day_field, wday_field, only = _days(time)
    reading, _ = read_cron(text)
    if reading is not None and not any(each.severity == "error" for each in check_cron(text)):
        ours = (reading.minutes, reading.hours, reading.months)
        plain = not (reading.nth or reading.last_wdays or reading.last_day or reading.last_weekday)
        same_days = (_one(reading.days, 31), _one(reading.wdays, 7)) == (day_field, wday_field)
        if plain and not only and ours == (time.minutes, time.hours, time.months) and same_days:
            return Ours(" ".join(text.split()))
    minutes, hours, months = _one(time.minutes, 60), _one(time.hours, 24), _one(time.months, 12)
    return Ours(" ".join((minutes, hours, day_field, months, wday_field)), only)


def days_as_text(days: Sequence[int]) -> str:
    """Days of the month as a field of cron."""
    return _one(days, 31)


def _days(time: CronTime) -> tuple[str, str, tuple[int, ...]]:
    """Day and weekday fields of our dialect, where both restricted mean: one of them is enough; and the days
    of the month outside of which a calendar is to leave out what the fields select.
    """
    every_day, every_wday = len(time.days) == 31, len(time.wdays) == _WEEK
    if not time.both_days and (every_day or every_wday):
        return "*", "*", ()
    if not time.both_days or every_day or every_wday:
        return _one(time.days, 31), _one(time.wdays, _WEEK), ()
    weeks = _whole_weeks(time.days)
    if weeks is None:
        return "*", _one(time.wdays, _WEEK), time.days
    return "*", ",".join(f"{wday}#{week}" for week in weeks for wday in time.wdays), ()


def _selects_a_day(time: CronTime) -> bool:
    """A weekday alone is one in every month."""
    if time.wdays and not time.both_days:
        return True
    return any(day <= LENGTHS[month - 1] for month in time.months for day in time.days)


def _whole_weeks(days: Sequence[int]) -> list[int] | None:
    """1 for the 1st to the 7th, and so on: how the n-th weekday of a month is written for cron."""
    left, weeks = set(days), []
    for week in range(1, 5):
        whole = set(range(7 * week - 6, 7 * week + 1))
        if whole <= left:
            weeks.append(week)
            left -= whole
    return weeks if weeks and not left else None


def _one(values: Sequence[int], whole: int) -> str:
    """Values as one field: a star for all, `a-b` for a run, `a-b/n` for even steps, else a list."""
    if len(values) == whole:
        return "*"
    first, last = values[0], values[-1]
    steps = {after - before for before, after in pairwise(values)}
    if len(values) > 2 and steps == {1}:
        return f"{first}-{last}"
    if len(values) > 3 and len(steps) == 1:
        return f"{first}-{last}/{steps.pop()}"
    return ",".join(map(str, values))


def _list(field: str, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_part(field, part))
    return tuple(sorted(found))


def _part(field: str, part: str) -> range:
    low, high, _ = _RANGES[field]
    base, slash, step_text = part.partition("/")
    if base == "*":
        first, last = low, high if field != "day of the week" else 6
    else:
        one, dash, other = base.partition("-")
        first = _number(field, one, part)
        last = _number(field, other, part) if dash else first
        if slash and not dash:
            raise NotCron(
                f"{field}: Debian's cron rejects {part!r}, other crons read it in two ways; write "
                f"{first}-{high}/{step_text or 'N'} or {first}"
            )
    if first > last:
        raise NotCron(
            f"{field}: the range {base} is reversed; Debian's cron selects nothing of it and others reject "
            "it, so the line was not started at those times"
        )
    if not slash:
        return range(first, last + 1)
    if not (step_text.isascii() and step_text.isdigit()) or int(step_text[:6]) < 1:
        raise NotCron(f"{field}: {step_text!r} is not a step; cron wants a number from 1")
    return range(first, last + 1, int(step_text[:6]))


def _number(field: str, text: str, part: str) -> int:
    low, high, names = _RANGES[field]
    name = text.lower()
    if name in names:
        return names.index(name) + low
    if not (text.isascii() and text.isdigit()):
        raise NotCron(f"{field}: {_shown(part)} is nothing that cron reads{_hint(part)}")
    number = int(text[:9])
    if not low <= number <= high:
        raise NotCron(f"{field}: {number} is out of range; cron wants {low} to {high}")
    return number


def _shown(part: str) -> str:
    return repr(part if len(part) <= 40 else part[:40] + "…")


def _hint(part: str) -> str:
    if "~" in part:
        return " (a random value of some crons; here `jitter` of a schedule spreads starts)"
    if part[:1] in ("H", "h"):
        return " (Jenkins' hash; here `jitter` of a schedule spreads starts)"
    if any(letter in part for letter in "LW#?"):
        return " (of Quartz, not of cron)"
    return ""
