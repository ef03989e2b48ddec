"""What will time do to a tree: which job ends soon, which window never opens, which calendar is over?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from runner.declaration.declared import Declared
from runner.loading.tree import Tree
from runner.schedules.at import At
from runner.schedules.calendar import Calendars, entries_of
from runner.schedules.end_date import end_date
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule
from runner.schedules.window import Window
from runner.schedules.zones import zone_named
from runner.vocabulary.diagnostic import Diagnostic, Severity
from runner.vocabulary.duration import parse_duration

ENDS_SOON = timedelta(days=30)
"""How far ahead the end of a job is told."""

Note = tuple[Severity, str, str, str]
"""How bad it is, the rule, the summary and the detail."""


def time_notes(tree: Tree, now: datetime) -> Iterator[Diagnostic]:
    """Notes and warnings, each at its object; a tree with errors has no objects, and so none of them."""
    zone = _zone(tree)
    for address, declared in tree.objects.items():
        notes: Iterator[Note]
        if address.kind == "Job":
            notes = _of_job(tree.document(address).resolved, zone, now)
        elif address.kind == "Calendar":
            notes = _of_calendar(tree.document(address).resolved, zone, now)
        else:
            continue
        yield from (_at(declared, str(address), note) for note in notes)


def _of_job(spec: Mapping[str, Any], zone: str, now: datetime) -> Iterator[Note]:
    ends_at = end_date(spec, zone)
    if ends_at is not None and ends_at <= now:
        detail = f"validUntil {spec['validUntil']} has passed: it starts no more"
        yield "warning", "ended", "The job is over", detail
    elif ends_at is not None and ends_at - now <= ENDS_SOON:
        days = (ends_at - now).days
        left = "in less than a day" if not days else f"in {days} day{'' if days == 1 else 's'}"
        yield "note", "ends-soon", "The job ends soon", f"validUntil {spec['validUntil']} is over {left}"
    yield from _of_one_run(spec)
    yield from _of_what_is_bound(spec)
    if spec["mode"] == "automatic":
        for name, settings in spec["schedules"].items():
            which = f"schedule {name}: " if len(spec["schedules"]) > 1 else ""
            schedule = schedule_from(settings)
            yield from _of_schedule(schedule, settings, which, now)
            if spec["deadline"] is not None and isinstance(schedule, Window) and not schedule.each:
                yield from _of_deadline(schedule, spec["deadline"], which)


def _of_one_run(spec: Mapping[str, Any]) -> Iterator[Note]:
    """Ranges of one job that begin at the same moment are one slot (R6), and so one run."""
    first: dict[str, str] = {}
    for name, settings in spec["schedules"].items():
        schedule = schedule_from(settings) if settings.get("window") else None
        if not isinstance(schedule, Window) or schedule.each:
            continue
        if schedule.range_key in first:
            detail = (
                f"the ranges of schedules {first[schedule.range_key]} and {name} begin at the same moment, "
                "and make one run, in the windows of one of them; write them as the list of one schedule"
            )
            yield "warning", "one-run", "Two schedules, one run", detail
        first.setdefault(schedule.range_key, name)


def _of_what_is_bound(spec: Mapping[str, Any]) -> Iterator[Note]:
    """A window binds what its own schedule starts; who wrote both may have meant more."""
    bound = [name for name, settings in spec["schedules"].items() if settings.get("window")]
    free = [name for name in spec["schedules"] if name not in bound]
    if bound and free:
        detail = (
            f"the windows of schedule {', '.join(bound)} bind what it starts; "
            f"what schedule {', '.join(free)} starts runs at any time"
        )
        yield "note", "not-bound", "Starts outside of the windows", detail


def _of_schedule(
    schedule: Schedule, settings: Mapping[str, Any], which: str, now: datetime
) -> Iterator[Note]:
    if isinstance(schedule, Window):
        if schedule.last_close is not None and schedule.last_close <= now:
            closed = schedule.last_close.astimezone(schedule.zone)
            detail = f"{which}its last window closed at {closed:%Y-%m-%d %H:%M} {schedule.zone.key}: "
            yield "warning", "range-over", "The range is over", f"{detail}nothing starts by it any more"
        elif schedule.is_over(now):
            detail = f"{which}the range, its weekdays and its calendars leave no time in which it may run"
            yield "warning", "never-opens", "The window never opens", detail
        elif (
            schedule.each and (opening := schedule.opening_at(now)) and _never_closes(opening.closes_at, now)
        ):
            detail = f"{which}it is open without an end, so there is one opening and one run"
            yield "warning", "never-closes", "The window never closes", detail
    elif settings.get("at") and isinstance(schedule, At) and schedule.slot.at <= now:
        detail = f"{which}{settings['at']} has passed: nothing starts by it any more"
        yield "warning", "time-over", "The time is over", detail
    elif settings.get("calendars") and schedule.next_after(now) is None:
        detail = f"{which}its calendars leave out every start"
        yield "warning", "never-starts", "Nothing is left to start", detail


def _of_deadline(window: Window, deadline: str, which: str) -> Iterator[Note]:
    """A deadline, perhaps a default of all jobs, that ends a run before its nights are over."""
    first = window.next_opening(window.range_start - timedelta(seconds=1))
    last = window.last_close
    if first is not None and (last is None or last - first.opens_at > parse_duration(deadline)):
        detail = (
            f"{which}deadline {deadline} counts from the opening in which the run starts, also while it is "
            "paused: it ends before its range; write deadline: null"
        )
        yield "warning", "deadline-in-range", "The deadline ends the range", detail


def _never_closes(closes_at: datetime, now: datetime) -> bool:
    return closes_at - now > timedelta(days=100)


def _of_calendar(spec: Mapping[str, Any], zone: str, now: datetime) -> Iterator[Note]:
    calendars = Calendars(entries_of({"": spec["dates"]}), zone_named(zone))
    if spec["dates"] and calendars.is_over(now):
        detail = "all of its dates have passed: it leaves nothing out any more"
        yield "note", "calendar-over", "The calendar is over", detail


def _at(declared: Declared, which: str, note: Note) -> Diagnostic:
    severity, rule, summary, detail = note
    return Diagnostic(
        declared.place.file, declared.place.line, 1, severity, rule, summary, f"{which}: {detail}"
    )


def _zone(tree: Tree) -> str:
    """The Runner's zone, as the tree declares it."""
    runner = next((address for address in tree.objects if address.kind == "Runner"), None)
    return str(tree.document(runner).resolved["timezone"]) if runner is not None else "UTC"
