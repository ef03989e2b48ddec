"""Errors, warnings and progress: from a step in its own process to the supervisor's reports."""

from __future__ import annotations

from typing import Any

from execution_builders import Workshop, a_python_step

from runner.execution.child.steps import MOST_RAISED
from runner.execution.order import Progressed, Raised

AS_ACTION = """
import sys
frame = sys._getframe()
while "step" not in frame.f_locals: frame = frame.f_back
step = frame.f_locals["step"]
"""
"""What an action is given, for the code below it."""


def a_step_that(source: str, name: str = "work", **more: Any) -> dict[str, Any]:
    return a_python_step(AS_ACTION + source, name, **more)


def raised(workshop: Workshop) -> list[Raised]:
    return [report for report in workshop.reports if isinstance(report, Raised)]


def progress(workshop: Workshop) -> list[str]:
    return [report.text for report in workshop.reports if isinstance(report, Progressed)]


def test_a_warning_is_stored_and_the_instance_succeeds(workshop: Workshop) -> None:
    ended = workshop.run(a_step_that("step.warn('3 rows left out', code='rows', info={'rows': 3})"))

    assert ended.outcome == "succeeded"
    assert raised(workshop) == [Raised(1, 1, "warning", "rows", "3 rows left out", {"rows": 3}, step="work")]


def test_an_error_is_stored_at_once_and_the_instance_fails_when_all_steps_are_done(
    workshop: Workshop,
) -> None:
    ended = workshop.run(a_step_that("step.error('no price for ACME')", "one"), a_step_that("pass", "two"))

    assert workshop.events()[-1] == ("complete", "two")
    assert [(r.severity, r.code, r.description) for r in raised(workshop)] == [
        ("error", "error", "no price for ACME")
    ]
    assert ended.outcome == "failed"
    assert ended.error is not None
    assert (ended.error.code, ended.error.description) == ("errors-stored", "the job stored an error")


def test_what_is_stored_is_masked_and_bounded(workshop: Workshop) -> None:
    source = "step.warn('the password is s3cret-word ' + 'x' * 5000, info={'url': 'u:s3cret-word@h'})"
    workshop.run(a_step_that(source), masks=["s3cret-word"])

    (warning,) = raised(workshop)
    assert warning.description.startswith("the password is *** xxx")
    assert len(warning.description) <= 4000
    assert warning.info == {"url": "u:***@h"}


def test_what_json_has_no_form_for_becomes_text(workshop: Workshop) -> None:
    workshop.run(a_step_that("import datetime\nstep.warn('late', info={'day': datetime.date(2026, 11, 21)})"))

    assert raised(workshop)[0].info == {"day": "2026-11-21"}


def test_a_thousand_warnings_are_stored_and_no_more(workshop: Workshop) -> None:
    ended = workshop.run(a_step_that("for n in range(1500): step.warn(f'row {n}')"))

    assert ended.outcome == "succeeded"
    assert len(raised(workshop)) == MOST_RAISED
    assert raised(workshop)[-1].description == "row 999 (the last that is stored)"


def test_progress_is_reported_and_the_last_word_of_a_step_is_kept(workshop: Workshop) -> None:
    ended = workshop.run(
        a_step_that("for n in range(100_000): step.progress(f'{n + 1} rows')", "one"),
        a_step_that("step.progress('exported')", "two"),
    )

    assert ended.outcome == "succeeded"
    assert progress(workshop)[0] == "1 rows"
    assert progress(workshop)[-2:] == ["100000 rows", "exported"]
    assert len(progress(workshop)) < 1000


def test_progress_comes_before_the_step_is_over(workshop: Workshop) -> None:
    gate = workshop.state / "gate"
    source = f"import os\nos.mkfifo({str(gate)!r})\nstep.progress('half')\nopen({str(gate)!r}).read()"
    number = workshop.start(a_step_that(source))
    workshop.until_progress("half")
    gate.write_text("go\n")

    assert progress(workshop) == ["half"]
    assert workshop.ended(number) is None
    assert workshop.end_of(number).outcome == "succeeded"
