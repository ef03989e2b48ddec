"""What validate says ahead of time: ends of jobs, windows that never open, calendars that are over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.operations.validate import validate
from runner.vocabulary.diagnostic import Diagnostic

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NIGHTS = 'window: {from: "2027-03-01", to: "2027-10-31", start: "02:15", end: "02:45"}'


def notes(tmp_path: Path, spec: str, *others: str) -> list[Diagnostic]:
    """Those of a tree with one job in Berlin."""
    jobs = tmp_path / "jobs.d"
    jobs.mkdir()
    job = f"apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {{name: load}}\nspec:\n  enabled: true\n{spec}"
    (jobs / "load.yaml").write_text(f"{job}  steps: [{{name: run, shell: 'true'}}]\n")
    for number, text in enumerate(others):
        (jobs / f"{number}.yaml").write_text(f"apiVersion: jobs.runner/v1\n{text}")
    found = validate((), project=tmp_path, now=NOW)
    assert found.is_valid, found.diagnostics
    return list(found.diagnostics)


def a_schedule(text: str) -> str:
    return f"  schedule: {{timezone: Europe/Berlin, {text}}}\n"


@pytest.mark.parametrize(
    ("until", "rule", "detail"),
    [
        ("2026-12-22", "ends-soon", "Job/load: validUntil 2026-12-22 is over in 29 days"),
        ("2026-11-23", "ends-soon", "Job/load: validUntil 2026-11-23 is over in less than a day"),
        ("2026-11-22", "ended", "Job/load: validUntil 2026-11-22 has passed: it starts no more"),
    ],
)
def test_the_end_of_a_job_is_told_thirty_days_ahead(
    tmp_path: Path, until: str, rule: str, detail: str
) -> None:
    [note] = notes(tmp_path, f'  validUntil: "{until}"\n')
    assert (note.rule, note.detail) == (rule, detail)


def test_an_end_that_is_far_away_is_not_told(tmp_path: Path) -> None:
    assert notes(tmp_path, '  validUntil: "2027-01-01"\n') == []


def test_a_range_that_is_over_is_a_warning(tmp_path: Path) -> None:
    window = 'window: {from: "2026-11-01", to: "2026-11-20", start: "22:00", end: "04:00"}'
    [note] = notes(tmp_path, a_schedule(window))
    assert (note.rule, note.severity) == ("range-over", "warning")
    assert note.detail == (
        "Job/load: its last window closed at 2026-11-21 04:00 Europe/Berlin: nothing starts by it any more"
    )


@pytest.mark.parametrize("at", ["2026-11-23T12:59", "2020-01-01T00:00:00Z"])
def test_a_time_that_has_passed_is_a_warning(tmp_path: Path, at: str) -> None:
    [note] = notes(tmp_path, a_schedule(f'at: "{at}"'))
    assert (note.rule, note.severity) == ("time-over", "warning")
    assert note.detail == f"Job/load: {at} has passed: nothing starts by it any more"


def test_a_time_that_is_to_come_is_none(tmp_path: Path) -> None:
    assert notes(tmp_path, a_schedule('at: "2026-11-23T13:01"')) == []


def test_a_window_of_which_calendars_leave_nothing_is_a_warning(tmp_path: Path) -> None:
    window = 'calendars: [c], window: {from: "2026-12-01", to: "2026-12-20", start: "22:00", end: "04:00"}'
    dates = 'kind: Calendar\nmetadata: {name: c}\nspec: {dates: {all: {from: "01-01", to: "12-31"}}}\n'
    [note] = notes(tmp_path, a_schedule(window), dates)
    assert (note.rule, note.severity) == ("never-opens", "warning")


def test_a_schedule_of_which_calendars_leave_nothing_is_a_warning(tmp_path: Path) -> None:
    dates = 'kind: Calendar\nmetadata: {name: c}\nspec: {dates: {all: {from: "01-01", to: "12-31"}}}\n'
    [note] = notes(tmp_path, a_schedule('cron: "0 3 * * *", calendars: [c]'), dates)
    assert (note.rule, note.severity) == ("never-starts", "warning")


def test_openings_that_never_close_are_one(tmp_path: Path) -> None:
    [note] = notes(tmp_path, a_schedule('window: {start: "06:00", end: "06:00", repeat: each}'))
    assert note.rule == "never-closes"


def test_a_calendar_whose_dates_have_passed_is_told(tmp_path: Path) -> None:
    dates = 'kind: Calendar\nmetadata: {name: c}\nspec: {dates: {old: "2025-12-25"}}\n'
    [note] = notes(tmp_path, a_schedule('cron: "0 5 * * *", calendars: [c]'), dates)
    assert (note.rule, note.severity) == ("calendar-over", "note")


def test_the_edges_of_a_window_at_a_change_of_the_clocks_are_told(tmp_path: Path) -> None:
    [note] = notes(tmp_path, a_schedule(NIGHTS))
    assert note.rule == "clock-change"
    assert note.detail.splitlines() == [
        "Job/load: the window 02:15-02:45 of 2027-03-28 does not open: the clocks of Europe/Berlin leave it "
        "out",
        "Job/load: the window 02:15-02:45 of 2027-10-31 opens at 02:15 CEST and closes at 02:45 CEST: the "
        "clocks of Europe/Berlin show its time twice",
    ]


def test_two_ranges_that_begin_together_are_one_run(tmp_path: Path) -> None:
    night = 'window: {from: "2026-12-01", to: "2026-12-20", start: "22:00", end: "04:00"'
    [note] = notes(tmp_path, f"  schedules:\n    a: {{{night}}}}}\n    b: {{{night}, weekdays: [sat]}}}}\n")
    assert (note.rule, note.severity) == ("one-run", "warning")
    assert "the ranges of schedules a and b begin at the same moment, and make one run" in note.detail


def test_what_another_schedule_starts_is_bound_to_no_window_and_that_is_told(tmp_path: Path) -> None:
    night = 'window: {from: "2026-12-01", to: "2026-12-20", start: "22:00", end: "04:00"}'
    both = f"  schedules:\n    nights: {{{night}}}\n    boot: {{trigger: {{startup: {{}}}}}}\n"
    [note] = notes(tmp_path, both)
    assert (note.rule, note.severity) == ("not-bound", "note")
    assert note.detail == (
        "Job/load: the windows of schedule nights bind what it starts; "
        "what schedule boot starts runs at any time"
    )


def test_a_deadline_that_is_shorter_than_the_range_is_a_warning(tmp_path: Path) -> None:
    night = 'window: {from: "2026-12-01", to: "2026-12-02", start: "22:00", end: "04:00"}'
    [note] = notes(tmp_path, f"  deadline: 6h\n{a_schedule(night)}")
    assert (note.rule, note.severity) == ("deadline-in-range", "warning")


def test_a_deadline_as_long_as_the_range_is_none(tmp_path: Path) -> None:
    night = 'window: {from: "2026-12-01", to: "2026-12-02", start: "22:00", end: "04:00"}'
    assert notes(tmp_path, f"  deadline: 30h\n{a_schedule(night)}") == []
