"""Rules for schedules: exactly one way of saying when, in a dialect and a zone that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules.wording import exactly_one, mapping, not_yet
from runner.vocabulary.duration import parse_duration

WAYS = ("cron", "every", "at", "fireAndForget", "window", "trigger")
_LATER = {
    "fireAndForget": (
        "fire-and-forget schedules",
        "leave the schedule out and start it with `runner jobs trigger`; retry: until-expiry tries again",
    ),
    "window": (
        "windows",
        "a cron expression with the hours and weekdays of the window, and deadline, are there",
    ),
    "trigger": (
        "triggers",
        "a schedule like every: 1m, or `runner jobs trigger` by whoever notices, is there",
    ),
}
"""Key → what it is called, and what works instead."""


def named(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """The spec of a Schedule."""
    yield from of_mapping(("spec",), spec)


def of_mapping(path: Path, schedule: Mapping[str, Any]) -> Iterator[Problem]:
    """A schedule as a mapping, in a Job or a Schedule."""
    yield from exactly_one(path, schedule, WAYS, "a schedule")
    for key, (what, instead) in _LATER.items():
        if key in schedule:
            yield not_yet((*path, key), what, hint=instead, at_key=True)
    if schedule.get("calendars"):
        hint = "on those dates, `runner jobs disable NAME --for 24h` holds the job"
        yield not_yet((*path, "calendars"), "calendars", hint=hint, at_key=True)
    if isinstance(schedule.get("cron"), str | Mapping):
        yield from cron((*path, "cron"), schedule["cron"])
    yield from zone((*path, "timezone"), schedule.get("timezone"))
    yield from positive((*path, "every"), schedule.get("every"))
    for key in ("at", "anchor"):
        yield from instant((*path, key), schedule.get(key), dates=False)
    if "anchor" in schedule and "every" not in schedule:
        detail = "'anchor' is where 'every' counts from, and there is no 'every'"
        yield Problem((*path, "anchor"), "no-effect", "Field without effect", detail, at="key")


def cron(path: Path, expression: str | Mapping[str, Any]) -> Iterator[Problem]:
    """A cron expression (R7), with the field that is wrong."""
    from runner.schedules.cron import check_cron

    for problem in check_cron(expression):
        below = (problem.field,) if isinstance(expression, Mapping) and problem.field in expression else ()
        error = problem.severity == "error"
        detail = problem.message
        if problem.field and problem.field not in detail.split(":")[0]:
            detail = f"{problem.field}: {detail}"
        yield Problem(
            (*path, *below),
            "bad-cron" if error else "uneven-cron",
            "Bad cron expression" if error else "Uneven cron expression",
            detail,
            severity="error" if error else "warning",
        )


def zone(path: Path, name: Any) -> Iterator[Problem]:
    """An IANA zone."""
    if not isinstance(name, str) or not name:
        return
    from runner.schedules.zones import check_zone

    message = check_zone(name)
    if message:
        yield Problem(path, "bad-zone", "Unknown time zone", message)


def positive(path: Path, duration: Any) -> Iterator[Problem]:
    """A duration that is longer than nothing."""
    if not isinstance(duration, str):
        return
    try:
        parsed = parse_duration(duration)
    except (ValueError, OverflowError):
        return  # the schema has told it
    if parsed.total_seconds() < 1:
        detail = f"{quoted(duration)} is shorter than 1s"
        yield Problem(path, "out-of-range", "Out of range", detail)


def instant(path: Path, text: Any, *, dates: bool) -> Iterator[Problem]:
    """A date-time that the calendar has; with `dates` also a date."""
    if not isinstance(text, str):
        return
    reason = ""
    try:
        datetime.fromisoformat(text)
    except ValueError as problem:
        reason = str(problem)
    if not dates and not reason and len(text) == len("2026-12-01"):
        reason = 'a time of day is missing; write it like "2026-12-01T02:00"'
    if reason:
        detail = f"{quoted(text)}: {reason}"
        yield Problem(path, "bad-instant", "Bad instant", detail)


def retries_itself(schedule: Any) -> str | None:
    """The key of a schedule that has its own `retryEvery`, so that `retry` beside it is an error."""
    return next((key for key in ("window", "fireAndForget") if key in mapping(schedule)), None)
