"""A pause ends an instance where it can go on later, and interrupts nothing."""

from __future__ import annotations

from pathlib import Path

from execution_builders import Workshop, a_shell_step


def waits_for(file: Path) -> str:
    return f"until [ -e {file} ]; do sleep 0.01; done"


def test_it_ends_between_two_steps_with_the_first_one_completed(workshop: Workshop, tmp_path: Path) -> None:
    go = tmp_path / "go"
    number = workshop.start(a_shell_step(waits_for(go), "first"), a_shell_step("true", "second"))
    workshop.pid_of(number)
    workshop.supervisor.pause(number, 1)
    go.touch()
    ended = workshop.end_of(number)
    assert ended.error is not None
    assert (ended.outcome, ended.error.description) == ("stopped", "pause")
    assert workshop.events(number) == [("start", "first"), ("complete", "first")]


def test_a_pause_that_is_taken_back_in_time_changes_nothing(workshop: Workshop, tmp_path: Path) -> None:
    go = tmp_path / "go"
    number = workshop.start(a_shell_step(waits_for(go), "first"), a_shell_step("true", "second"))
    workshop.pid_of(number)
    workshop.supervisor.pause(number, 1)
    workshop.supervisor.go_on(number, 1)
    go.touch()
    assert workshop.end_of(number).outcome == "succeeded"


def test_work_without_another_step_completes_although_it_was_to_pause(
    workshop: Workshop, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    number = workshop.start(a_shell_step(waits_for(go), "only"))
    workshop.pid_of(number)
    workshop.supervisor.pause(number, 1)
    go.touch()
    assert workshop.end_of(number).outcome == "succeeded"
