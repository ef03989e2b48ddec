"""Whoever is told to end can clean up, and whoever does not end is killed."""

from __future__ import annotations

from execution_builders import Workshop, a_python_step, a_shell_step


def test_a_stop_lets_python_code_clean_up(workshop: Workshop) -> None:
    ready = workshop.state / "ready"
    source = f"""
import time
try:
    open({str(ready)!r}, 'w').write('x\\n')
    time.sleep(1000)
finally:
    print('cleaned up')
"""
    number = workshop.start(a_python_step(source))
    workshop.until_file(ready)
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled by ana")

    ended = workshop.end_of(number)
    assert ended.outcome == "stopped"
    assert ended.error is not None
    assert ended.error.description == "cancelled by ana"
    assert workshop.lines() == ["cleaned up"]


def test_a_stop_reaches_the_program_of_a_step(workshop: Workshop) -> None:
    ready = workshop.state / "ready"
    number = workshop.start(
        a_shell_step(f"trap 'echo told; exit 1' TERM; echo x > {ready}; while :; do sleep 0.01 || :; done")
    )
    workshop.until_file(ready)
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert workshop.end_of(number).outcome == "stopped"
    assert "told" in workshop.lines()


def test_work_that_finishes_while_it_is_being_stopped_has_finished(workshop: Workshop) -> None:
    ready = workshop.state / "ready"
    number = workshop.start(
        a_shell_step(f"trap 'exit 0' TERM; echo x > {ready}; while :; do sleep 0.01 || :; done")
    )
    workshop.until_file(ready)
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert workshop.end_of(number).outcome == "succeeded"


def test_a_stop_between_steps_ends_the_instance(workshop: Workshop) -> None:
    workshop.acknowledges = False
    number = workshop.start(a_shell_step("true", "one"), a_shell_step("true", "two"))
    workshop.until(lambda: ("complete", "one") in workshop.events(number))
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert workshop.end_of(number).outcome == "stopped"
    assert ("start", "two") not in workshop.events(number)


def test_who_ignores_term_gets_kill(workshop: Workshop) -> None:
    ready = workshop.state / "ready"
    number = workshop.start(
        a_shell_step(f"trap '' TERM; echo x > {ready}; while :; do sleep 0.01 || :; done")
    )
    workshop.until_file(ready)
    workshop.supervisor.stop(number, 1, grace_s=0.05, why="cancelled")

    ended = workshop.end_of(number)
    assert (ended.outcome, ended.signal) == ("stopped", 9)


def test_a_stop_right_after_the_start_is_not_lost(workshop: Workshop) -> None:
    numbers = [workshop.start(a_shell_step("sleep 1000")) for _ in range(10)]
    for number in numbers:
        workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert {workshop.end_of(number).outcome for number in numbers} == {"stopped"}


def test_a_stop_of_another_epoch_does_nothing(workshop: Workshop) -> None:
    number = workshop.start(a_shell_step("true"))
    workshop.supervisor.stop(number, 2, grace_s=0, why="late")

    assert workshop.end_of(number).outcome == "succeeded"


def test_the_timeout_of_an_attempt_is_told_apart_from_a_stop(workshop: Workshop) -> None:
    ended = workshop.run(
        a_shell_step("trap '' TERM; while :; do sleep 0.01 || :; done"), timeout_s=0.1, grace_s=0.05
    )

    assert ended.outcome == "timeout"
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == ("timeout", True)
