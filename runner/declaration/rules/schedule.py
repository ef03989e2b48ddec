"""Rules for schedules: exactly one way of saying when, in a dialect and a zone that exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from runner.declaration.problem import Path, Problem, quoted
from runner.declaration.rules import trigger as trigger_rules
from runner.declaration.rules.wording import exactly_one
from runner.declaration.written import mapping
from runner.vocabulary.duration import parse_duration

WAYS = ("cron", "every", "at", "fireAndForget", "window", "trigger")


def named(_document: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """The spec of a Schedule."""
    yield from of_mapping(("spec",), spec)


def of_mapping(path: Path, schedule: Mapping[str, Any]) -> Iterator[Problem]:
    """A schedule as a mapping, in a Job or a Schedule."""
    yield from exactly_one(path, schedule, WAYS, "a schedule")
    yield from windows((*path, "window"), schedule.get("window"))
    once = mapping(schedule.get("fireAndForget"))
    for key in ("retryEvery", "expiresIn"):
        yield from positive((*path, "fireAndForget", key), once.get(key))
    if schedule.get("calendars") and "fireAndForget" in schedule:
        detail = "'calendars' leaves out dates, and 'fireAndForget' has none: it is due at once"
        yield Problem((*path, "calendars"), "no-effect", "Field without effect", detail, at="key")
    if isinstance(schedule.get("cron"), str | Mapping):
        yield from cron((*path, "cron"), schedule["cron"])
    yield from zone((*path, "timezone"), schedule.get("timezone"))
    yield from positive((*path, "every"), schedule.get("every"))
    for key in ("at", "anchor"):
        yield from instant((*path, key), schedule.get(key), dates=False)
    yield from trigger_rules.of_trigger(path, schedule)
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


def windows(path: Path, declared: Any) -> Iterator[Problem]:
    """One or several windows: each by itself, then all of them together."""
    every = declared if isinstance(declared, list) else [declared] if isinstance(declared, Mapping) else []
    if declared == []:
        yield Problem(path, "bad-window", "Bad window", "the list has no window", "remove it")
    sound = []
    for index, each in enumerate(every):
        below = (*path, index) if isinstance(declared, list) else path
        problems: list[Problem] | None = [] if isinstance(each, Mapping) else None
        for key in ("from", "to"):
            if problems is not None:
                problems += instant((*below, key), each.get(key), dates=True)
        if problems == []:
            problems = list(_window(below, [each]))
        yield from problems or ()
        if problems == []:
            sound.append(each)
    if len(sound) > 1:
        yield from _window(path, sound)


def _window(path: Path, declared: list[Mapping[str, Any]]) -> Iterator[Problem]:
    from zoneinfo import ZoneInfo

    from runner.schedules.slot import ScheduleProblem
    from runner.schedules.window_of import window_schedule

    try:
        window_schedule(declared, ZoneInfo("UTC"), None)
    except ScheduleProblem as problem:
        below = tuple(problem.field.split(".")[1:])
        here = (*path, *below) if len(declared) == 1 else path
        yield Problem(here, "bad-window", "Bad window", str(problem))
    except (KeyError, ValueError, TypeError, AttributeError):
        return  # the schema has told it


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
    """A date-time that the calendar has; with `dates` also a date, and also the end of the calendar."""
    if not isinstance(text, str):
        return
    from runner.schedules.zones import FIRST_DAY, LAST_DAY

    reason = ""
    try:
        day = datetime.fromisoformat(text).date()
        if not dates and not FIRST_DAY <= day <= LAST_DAY:
            reason = f"that is further away than schedules reach ({FIRST_DAY} to {LAST_DAY})"
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
