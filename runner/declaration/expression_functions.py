"""Which functions may an expression call, and what do ours give?"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Any

_PARTS_OF_TIME = {
    "getFullYear": lambda t: t.year,
    "getMonth": lambda t: t.month - 1,
    "getDayOfYear": lambda t: t.timetuple().tm_yday - 1,
    "getDayOfMonth": lambda t: t.day - 1,
    "getDate": lambda t: t.day,
    "getDayOfWeek": lambda t: t.isoweekday() % 7,
    "getHours": lambda t: t.hour,
    "getMinutes": lambda t: t.minute,
    "getSeconds": lambda t: t.second,
    "getMilliseconds": lambda t: t.microsecond // 1000,
}
KNOWN_FUNCTIONS = frozenset(
    {
        "size",
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "bytes",
        "type",
        "dyn",
        "timestamp",
        "duration",
        "has",
    }
    | {"contains", "startsWith", "endsWith", "matches", "max", "min", "addDays", "formatDate"}
    | set(_PARTS_OF_TIME)
)


def as_text(value: Any) -> str:
    """A value inside a longer text: null is empty, true and false are lower case, lists and maps are JSON."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


@cache
def functions() -> dict[str, Any]:
    """Ours, and what the evaluator leaves out of the standard library: a zone in getHours(), string(true)."""
    given: dict[str, Any] = {
        "addDays": _add_days,
        "formatDate": _format_date,
        "string": as_text,
        "bool": _as_bool,
    }
    given.update({name: _in_zone(part) for name, part in _PARTS_OF_TIME.items()})
    return given


_TRUE = ("true", "True", "TRUE", "t", "1")
_FALSE = ("false", "False", "FALSE", "f", "0")
"""As the language reads them."""


def _as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise ValueError(f"{value!r} is neither 'true' nor 'false'")


def _zone(name: str) -> tzinfo:
    """A zone by its name, or a fixed distance from UTC: `+02:00`, `-09:30`."""
    hours, colon, minutes = name.lstrip("+-").partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal():
        distance = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-distance if name.startswith("-") else distance)
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _in_zone(part: Any) -> Any:
    def in_zone(time: datetime, zone: str = "UTC") -> Any:
        return part(time.astimezone(_zone(zone)))

    return in_zone


def _add_days(day: str | datetime, days: int) -> str | datetime:
    """The date or time `days` days later, in the form it was given in; the time of day stays."""
    if isinstance(day, datetime):
        return day + timedelta(days=days)
    moved = datetime.fromisoformat(day) + timedelta(days=days)
    if len(day) == 10:
        return moved.date().isoformat()
    text = moved.isoformat(timespec="milliseconds" if "." in day else "auto")
    return text.replace("+00:00", "Z") if day.endswith("Z") else text


def _format_date(day: str | datetime, form: str) -> str:
    """The date or time in a form of strftime: `%Y/%m`."""
    return (datetime.fromisoformat(day) if isinstance(day, str) else day).strftime(form)
