"""A declared `window`, in its resolved form → the windows that it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.at import read_instant
from runner.schedules.calendar import Calendars
from runner.schedules.slot import ScheduleProblem
from runner.schedules.window import Hours, Window
from runner.vocabulary.duration import parse_duration
from runner.vocabulary.names import nearest

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_DATE = len("2026-12-01")
_SHORTEST_RETRY = timedelta(seconds=1)


def window_schedule(
    declared: Sequence[Mapping[str, Any]], zone: ZoneInfo, calendars: Calendars | None
) -> Window:
    """The schedule of one or several windows; ScheduleProblem with the field that is wrong.

    They are of one run, so `repeat` and `retryEvery` are the same in all.
    """
    if not declared:
        raise ScheduleProblem("window", "there is no window in it")
    first = declared[0]
    for key, usual in (("repeat", "range"), ("retryEvery", "5m")):
        if any(each.get(key, usual) != first.get(key, usual) for each in declared):
            raise ScheduleProblem(f"window.{key}", f"the windows of one schedule have one {key}")
    each = first.get("repeat", "range") == "each"
    window = Window(
        tuple(_hours(declared_one, zone) for declared_one in declared),
        zone,
        calendars,
        each=each,
        retry_every=_duration(first.get("retryEvery", "5m"), "retryEvery", shortest=_SHORTEST_RETRY),
    )
    if not each and not window.has_start:
        raise ScheduleProblem(
            "window.from",
            "one run for the whole range needs the first day of the range; write from, or repeat: each for "
            "a run of its own at each opening",
        )
    return window


def weekdays_of(texts: Iterable[str]) -> frozenset[int]:
    """The days that `mon-fri`, `sat` name, counted from Monday, 0; all of them for none."""
    found: set[int] = set()
    for text in texts:
        first, dash, last = (part.strip().lower() for part in text.partition("-"))
        begin, end = _weekday(first, text), _weekday(last, text) if dash else _weekday(first, text)
        days = (end - begin) % 7 + 1
        found.update((begin + day) % 7 for day in range(days))
    return frozenset(found) or frozenset(range(7))


def minutes_of(text: str) -> int:
    """A clock time as minutes of the day; 24:00 is the end of it."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ScheduleProblem("window", f'{text!r} is no time of the clock; write it like "22:00"')
    return int(match[1]) * 60 + int(match[2]) if match[1] else 24 * 60


def _hours(declared: Mapping[str, Any], zone: ZoneInfo) -> Hours:
    first, begins = _edge(declared.get("from"), zone, "from")
    last, ends = _edge(declared.get("to"), zone, "to")
    start = minutes_of(declared["start"])
    if start == 24 * 60:
        raise ScheduleProblem("window.start", '"24:00" is the end of a day; write "00:00"')
    hours = Hours(
        start=start,
        end=minutes_of(declared["end"]),
        first=first,
        last=last,
        begins=begins,
        ends=ends,
        weekdays=weekdays_of(declared.get("weekdays") or ()),
        last_start=_duration(declared.get("lastStart") or "0s", "lastStart"),
        on_close=declared.get("onClose", "pause"),
        close_grace=_duration(declared.get("closeGrace", "5m"), "closeGrace"),
    )
    if (first is not None and last is not None and last < first) or (
        begins is not None and ends is not None and ends <= begins
    ):
        raise ScheduleProblem("window.to", f"{declared['to']!r} is not after {declared['from']!r}")
    if hours.last_start >= hours.length:
        raise ScheduleProblem(
            "window.lastStart",
            f"{declared['lastStart']!r} is as long as the window or longer: nothing would ever start",
        )
    return hours


def _edge(text: str | None, zone: ZoneInfo, field: str) -> tuple[date | None, datetime | None]:
    """A day of the range, or an instant that cuts it."""
    if text is None:
        return None, None
    if len(text) == _DATE:
        try:
            return min(max(date.fromisoformat(text), zones.FIRST_DAY), zones.LAST_DAY), None
        except ValueError as problem:
            raise ScheduleProblem(f"window.{field}", f"{text!r}: {problem}") from None
    return None, read_instant(text, zone, field=f"window.{field}").at


def _duration(text: str, field: str, shortest: timedelta = timedelta(0)) -> timedelta:
    try:
        duration = parse_duration(text)
    except (ValueError, TypeError, OverflowError) as problem:
        raise ScheduleProblem(f"window.{field}", str(problem)) from None
    if duration < shortest:
        raise ScheduleProblem(f"window.{field}", f"{text!r} is shorter than 1s")
    return duration


def _weekday(name: str, text: str) -> int:
    if name not in WEEKDAYS:
        close = nearest(name, WEEKDAYS)
        hint = f"; did you mean {close!r}?" if close else f"; known: {', '.join(WEEKDAYS)}"
        raise ScheduleProblem("window.weekdays", f"{text!r} is no weekday or span of weekdays{hint}")
    return WEEKDAYS.index(name)
