"""Cron wants both a day of the month and a weekday: which calendar leaves the other days of the month out?

A schedule here has weekdays AND what its calendars do not leave out, so the two together are cron's AND.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from runner.crontab.times import LENGTHS, Ours, days_as_text
from runner.declaration.declared import API_VERSION
from runner.vocabulary.printable import printable

_LONGEST = 63


def calendar_name(days: Sequence[int]) -> str:
    """`only-days-1-to-31-by-3`: the same days have the same name."""
    text = days_as_text(days)
    name = "only-days-" + text.replace("-", "-to-").replace("/", "-by-").replace(",", "-")
    return name if len(name) <= _LONGEST else f"only-days-{sha256(text.encode()).hexdigest()[:16]}"


def other_days(days: Sequence[int]) -> Mapping[str, tuple[str, str]]:
    """Name → the first and the last day of each stretch that none of these days is in, every year."""
    return {
        f"m{month:02}_d{first:02}": (f"{month:02}-{first:02}", f"{month:02}-{last:02}")
        for month, length in enumerate(LENGTHS, 1)
        for first, last in _stretches(days, length)
    }


def calendar_text(name: str, days: Sequence[int], origin: str) -> str:
    """The YAML of the calendar."""
    lines = [
        f"# For lines of {printable(origin)} that want a day of the month and a day of the week:",
        f"# everything but the days {', '.join(map(str, days))} of each month is left out.",
        f"apiVersion: {API_VERSION}",
        "kind: Calendar",
        "metadata:",
        f"  name: {name}",
        "spec:",
        "  dates:",
    ]
    for entry, (first, last) in other_days(days).items():
        span = f'"{first}"' if first == last else f'{{from: "{first}", to: "{last}"}}'
        lines.append(f"    {entry}: {span}")
    return "".join(f"{line}\n" for line in lines)


def resolved(ours: Ours, zone: str) -> dict[str, Any]:
    """The schedule with its calendar, as a job is resolved."""
    schedule: dict[str, Any] = {"cron": ours.cron, "timezone": zone}
    if ours.only_days:
        others = other_days(ours.only_days)
        dates = {name: {"from": first, "to": last} for name, (first, last) in others.items()}
        schedule["calendars"] = {calendar_name(ours.only_days): dates}
    return schedule


def _stretches(days: Sequence[int], length: int) -> Iterator[tuple[int, int]]:
    before = 0
    for day in (*(day for day in days if day <= length), length + 1):
        if day - before > 1:
            yield before + 1, day - 1
        before = day
