"""A step with `interruptible: false` ends before a stop does; a kill and its own timeout do not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

WAIT_IN_SHELL = "echo x > {ready}; read line < {gate}; echo went on"
WAIT_IN_PYTHON = """
import subprocess
open({ready!r}, 'w').write('x\\n')
subprocess.run(['/bin/sh', '-c', 'read line < {gate}'], check=True)
print('went on')
"""
Step = Callable[..., dict[str, Any]]
both_kinds = pytest.mark.parametrize(
    ("a_step", "source"), [(a_shell_step, WAIT_IN_SHELL), (a_python_step, WAIT_IN_PYTHON)]
)


def until_it_waits(
    workshop: Workshop, a_step: Step, source: str, *more: Any, timeout: str | None = None, **different: Any
) -> int:
    """An instance in a step that is not to be interrupted, and that ends when `gate` is written to."""
    ready, gate = str(workshop.state / "ready"), str(workshop.state / "gate")
    os.mkfifo(gate)
    step = a_step(source.format(ready=ready, gate=gate), "careful", interruptible=False, timeout=timeout)
    number = workshop.start(step, *more, **different)
    workshop.until_file(Path(ready))
    workshop.until(lambda: ("start", "careful") in workshop.events(number))
    return number


def let_time_pass(workshop: Workshop, seconds: float) -> None:
    """Let the loop's timers of that time go off."""
    workshop.until_ready(lambda done: workshop.loop.call_later(seconds, done))


@both_kinds
def test_a_stop_waits_for_the_end_of_the_step(workshop: Workshop, a_step: Step, source: str) -> None:
    number = until_it_waits(workshop, a_step, source, a_shell_step("true", "after"))
    assert workshop.supervisor.uninterruptible == 1
    workshop.supervisor.stop(number, 1, grace_s=0.01, why="shutdown")
    let_time_pass(workshop, 0.1)
    assert workshop.ended(number) is None
    (workshop.state / "gate").write_text("go\n")

    ended = workshop.end_of(number)
    assert workshop.lines() == ["went on"]
    assert workshop.events() == [("start", "careful"), ("complete", "careful")]
    assert (ended.outcome, ended.error and ended.error.description) == ("stopped", "shutdown")
    assert workshop.supervisor.uninterruptible == 0


@both_kinds
def test_a_last_step_that_a_stop_waited_for_is_a_success(
    workshop: Workshop, a_step: Step, source: str
) -> None:
    number = until_it_waits(workshop, a_step, source)
    workshop.supervisor.stop(number, 1, grace_s=0.01, why="shutdown")
    let_time_pass(workshop, 0.05)
    (workshop.state / "gate").write_text("go\n")

    assert workshop.end_of(number).outcome == "succeeded"


def test_a_failure_of_the_step_is_its_own_and_not_the_stops(workshop: Workshop) -> None:
    number = until_it_waits(workshop, a_shell_step, WAIT_IN_SHELL + "; exit 3")
    workshop.supervisor.stop(number, 1, grace_s=20, why="shutdown")
    (workshop.state / "gate").write_text("go\n")

    ended = workshop.end_of(number)
    assert ended.outcome == "failed"
    assert ended.error is not None
    assert ended.error.exit_code == 3


@both_kinds
def test_a_kill_does_not_wait(workshop: Workshop, a_step: Step, source: str) -> None:
    number = until_it_waits(workshop, a_step, source)
    workshop.supervisor.stop(number, 1, grace_s=20, why="shutdown")
    workshop.supervisor.stop(number, 1, grace_s=0, why="killed by ana")

    ended = workshop.end_of(number)
    assert (ended.outcome, ended.signal) == ("stopped", 9)


@both_kinds
def test_the_timeout_of_the_step_ends_it(workshop: Workshop, a_step: Step, source: str) -> None:
    number = until_it_waits(workshop, a_step, source, timeout="1s")
    workshop.supervisor.stop(number, 1, grace_s=20, why="shutdown")

    ended = workshop.end_of(number)
    assert (ended.outcome, ended.error and ended.error.code) == ("failed", "timeout")


@both_kinds
def test_the_timeout_of_the_attempt_does_not_wait(workshop: Workshop, a_step: Step, source: str) -> None:
    number = until_it_waits(workshop, a_step, source, timeout_s=1.5, grace_s=20)
    workshop.supervisor.stop(number, 1, grace_s=20, why="shutdown")

    ended = workshop.end_of(number)
    assert (ended.outcome, ended.signal) == ("timeout", None)


def test_the_other_steps_of_the_instance_are_interrupted_as_ever(workshop: Workshop) -> None:
    ready = workshop.state / "ready"
    number = workshop.start(
        a_shell_step("true", "careful", interruptible=False),
        a_shell_step(f"trap 'echo told; exit 1' TERM; echo x > {ready}; while :; do sleep 0.01 || :; done"),
    )
    workshop.until_file(ready)
    workshop.supervisor.stop(number, 1, grace_s=20, why="cancelled")

    assert workshop.end_of(number).outcome == "stopped"
    assert "told" in workshop.lines()


def test_who_ignores_term_ends_with_the_step(workshop: Workshop) -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WAIT_IN_PYTHON
    number = until_it_waits(workshop, a_python_step, ignore, a_shell_step("sleep 1000", "after"))
    workshop.supervisor.stop(number, 1, grace_s=0.05, why="shutdown")
    let_time_pass(workshop, 0.1)
    assert workshop.ended(number) is None
    (workshop.state / "gate").write_text("go\n")

    ended = workshop.end_of(number)
    assert ("complete", "careful") in workshop.events()
    assert ended.outcome == "stopped"
    assert ("start", "after") not in workshop.events()
