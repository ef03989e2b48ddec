"""What `validate` tells about the next change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.operations import clock_change_notes
from runner.operations.validate import validate
from runner.schedules.explain import offset_notes
from runner.schedules.slot import Schedule

BEFORE_SPRING = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


def a_project(folder: Path, schedule: str) -> Path:
    (folder / "jobs.d").mkdir()
    (folder / "jobs.d" / "job.yaml").write_text(
        "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: nightly}\n"
        f"spec:\n  enabled: true\n  schedule: {schedule}\n  steps:\n    - {{name: work, shell: echo}}\n"
    )
    return folder


def test_a_slot_that_the_clocks_leave_out_tonight_is_a_note(tmp_path: Path) -> None:
    project = a_project(tmp_path, '{cron: "30 2 * * *", timezone: Europe/Berlin}')
    found = validate((), project=project, now=BEFORE_SPRING)
    assert found.is_valid
    (note,) = found.diagnostics
    assert (note.severity, note.rule, note.file) == ("note", "clock-change", "jobs.d/job.yaml")
    first, *later = note.detail.splitlines()
    assert first == (
        "Job/nightly: 2026-03-29 02:30: the clocks of Europe/Berlin leave this time out; "
        "it starts at 2026-03-29T03:00:00+02:00"
    )
    assert [line[13:23] for line in later] == ["2026-10-25", "2027-03-28", "2027-10-31", "2028-03-26"]


def test_outside_of_gaps_and_repeated_hours_there_is_no_note(tmp_path: Path) -> None:
    project = a_project(tmp_path, '{cron: "30 4 * * *", timezone: Europe/Berlin}')
    assert validate((), project=project, now=BEFORE_SPRING).diagnostics == ()


def test_jobs_that_share_a_schedule_share_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = a_project(tmp_path, '{cron: "30 2 * * *", timezone: Europe/Berlin}')
    job = project / "jobs.d" / "job.yaml"
    (job.with_name("more.yaml")).write_text(job.read_text().replace("name: nightly", "name: another"))
    asked: list[object] = []

    def counted(schedule: Schedule, now: datetime) -> tuple[str, ...]:
        asked.append(schedule)
        return offset_notes(schedule, now)

    monkeypatch.setattr(clock_change_notes, "offset_notes", counted)
    assert len(validate((), project=project, now=BEFORE_SPRING).diagnostics) == 2
    assert len(asked) == 1


def test_elapsed_time_has_nothing_to_tell(tmp_path: Path) -> None:
    project = a_project(tmp_path, "{every: 10m, timezone: Europe/Berlin}")
    assert validate((), project=project, now=BEFORE_SPRING).diagnostics == ()
