"""Is what the code gave a length of time, or a moment?"""

from __future__ import annotations

from typing import Any

from runner.sdk.values import kind_of

LONGEST_SLEEP_S = 366 * 24 * 3600.0
_YEAR_10000 = 253_402_300_800  # seconds since the epoch; datetime ends here


def seconds_of(seconds: Any) -> float:
    """A length of time in seconds; TypeError when it is none, ValueError when it is too long or negative."""
    if hasattr(seconds, "total_seconds"):
        seconds = seconds.total_seconds()
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"seconds is {kind_of(seconds)}; it is a number or a timedelta")
    if not 0 <= seconds <= LONGEST_SLEEP_S:
        raise ValueError(f"seconds is {shown(seconds)}; it is from 0 to {LONGEST_SLEEP_S:.0f} (366 days)")
    return float(seconds)


def shown(number: float) -> str:
    """A number for a sentence, however large."""
    try:
        return f"{number:g}"
    except OverflowError:  # an integer that no float holds
        return "a number of many digits"


def epoch_of(when: Any) -> float:
    """A moment, in seconds since the epoch; TypeError when it is none, ValueError when it has no zone."""
    if hasattr(when, "timestamp"):
        if when.tzinfo is None:
            raise ValueError(f"{when} has no time zone; give an aware datetime, like datetime.now(UTC)")
        when = when.timestamp()
    if isinstance(when, bool) or not isinstance(when, int | float):
        raise TypeError(f"when is {kind_of(when)}; it is an aware datetime or seconds since the epoch")
    if not 0 <= when < _YEAR_10000:
        raise ValueError(f"when is {shown(when)}; it is from 0 (the year 1970) to the year 9999, in seconds")
    return float(when)
