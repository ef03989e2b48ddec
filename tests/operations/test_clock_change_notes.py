"""What `validate` tells about the next change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from runner.operations.validate import validate

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
    assert note.detail == (
        "Job/nightly: 2026-03-29 02:30: the clocks of Europe/Berlin leave this time out; "
        "it starts at 2026-03-29T03:00:00+02:00"
    )


def test_without_a_change_in_the_next_day_there_is_no_note(tmp_path: Path) -> None:
    project = a_project(tmp_path, '{cron: "30 2 * * *", timezone: Europe/Berlin}')
    assert validate((), project=project, now=datetime(2026, 3, 20, tzinfo=UTC)).diagnostics == ()


def test_elapsed_time_has_nothing_to_tell(tmp_path: Path) -> None:
    project = a_project(tmp_path, "{every: 10m, timezone: Europe/Berlin}")
    assert validate((), project=project, now=BEFORE_SPRING).diagnostics == ()
