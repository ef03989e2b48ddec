"""Durations and sizes as an author writes them: `90s`, `1h30m`, `2d`, `512MiB`."""

from __future__ import annotations

import re
from datetime import timedelta

DURATION = r"^(?=[0-9])([0-9]{1,6}d)?([0-9]{1,7}h)?([0-9]{1,8}m)?([0-9]{1,9}(\.[0-9]{1,3})?s)?$"
SIZE = r"^[0-9]{1,15}(B|KiB|MiB|GiB|TiB)?$"

_duration = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,9}(?:\.\d{1,3})?)s)?")
_size = re.compile(r"(\d{1,15})(B|KiB|MiB|GiB|TiB)?")
_UNITS = {None: 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def parse_duration(text: str) -> timedelta:
    """The duration that `text` names; ValueError, with what is accepted, when it names none."""
    match = _duration.fullmatch(text) if text else None
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write it like 90s, 5m, 1h30m or 2d")
    days, hours, minutes, seconds = match.groups()
    return timedelta(
        days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0)
    )


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as `duration` (to the millisecond)."""
    milliseconds = round(duration.total_seconds() * 1000)
    if milliseconds < 0:
        return "-" + format_duration(-duration)
    days, milliseconds = divmod(milliseconds, 86_400_000)
    hours, milliseconds = divmod(milliseconds, 3_600_000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
    text = "".join(f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "m")) if n)
    return text + f"{seconds}s" if milliseconds or not text else text


def parse_size(text: str) -> int:
    """The number of bytes that `text` names; ValueError, with what is accepted, when it names none."""
    match = _size.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a size; write it like 512MiB, 2GiB or 1000B")
    return int(match[1]) * _UNITS[match[2]]


def format_size(size: int) -> str:
    """A size for people, in the largest binary unit that keeps it at 1 or more."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size >= _UNITS[unit]:
            return f"{size / _UNITS[unit]:.1f}".removesuffix(".0") + unit
    return f"{size}B"
