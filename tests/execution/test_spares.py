"""While nothing is to be done, a child is forked that the next start only has to hand its order to."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from execution_builders import Workshop, a_python_step

from runner.execution.processes import children, is_gone

SAY_PID = a_python_step("import os; return {'pid': os.getpid()}")


def the_spare_of(workshop: Workshop) -> int:
    """Let the loop run until a child waits; its process id."""
    found: list[int] = []

    def look(done: Callable[[], None]) -> None:
        found[:] = children_of(workshop)
        if workshop.supervisor.running == 0 and len(found) == 1:
            done()
        else:
            workshop.loop.call_later(0.002, look, done)

    workshop.until_ready(look)
    return found[0]


def how_many_are_open() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def children_of(workshop: Workshop) -> list[int]:
    zygote = workshop.supervisor.zygotes.pid_of("lean")
    return [int(pid) for pid in Path(f"/proc/{zygote}/task/{zygote}/children").read_text().split()]


def test_after_a_rest_the_next_start_takes_the_child_that_waits(workshop: Workshop) -> None:
    workshop.run(SAY_PID)
    spare = the_spare_of(workshop)
    number = workshop.start(SAY_PID)
    assert workshop.pid_of(number) == spare
    assert workshop.end_of(number).outcome == "succeeded"
    assert the_spare_of(workshop) != spare


def test_a_child_that_was_killed_while_it_waited_costs_nobody_a_run(workshop: Workshop) -> None:
    workshop.run(SAY_PID)
    spare = the_spare_of(workshop)
    os.kill(spare, signal.SIGKILL)
    number = workshop.start(SAY_PID)  # before anybody can know
    assert workshop.end_of(number).outcome == "succeeded"
    assert workshop.pid_of(number) != spare


def test_a_child_that_is_known_to_be_gone_is_not_taken(workshop: Workshop) -> None:
    workshop.run(SAY_PID)
    spare = the_spare_of(workshop)
    os.kill(spare, signal.SIGKILL)
    workshop.until_gone(spare)
    assert workshop.run(SAY_PID).outcome == "succeeded"


def test_the_zygotes_end_is_the_end_of_the_child_that_waits_and_the_next_start_has_another(
    workshop: Workshop,
) -> None:
    workshop.run(SAY_PID)
    spare = the_spare_of(workshop)
    os.kill(workshop.supervisor.zygotes.pid_of("lean") or 0, signal.SIGKILL)
    workshop.until_gone(spare)
    assert workshop.run(SAY_PID).outcome == "succeeded"


@pytest.mark.parametrize("grace_s", [0.0, 5.0])
def test_a_stop_right_after_the_start_reaches_the_child_that_waited(
    workshop: Workshop, grace_s: float
) -> None:
    workshop.run(SAY_PID)
    the_spare_of(workshop)
    number = workshop.start(a_python_step("import time; time.sleep(60)"))
    workshop.supervisor.stop(number, 1, grace_s=grace_s, why="cancelled")
    assert workshop.end_of(number).outcome == "stopped"


def test_nothing_waits_any_more_when_the_supervisor_is_closed(workshop: Workshop) -> None:
    workshop.run(SAY_PID)
    spare = the_spare_of(workshop)
    descriptors = how_many_are_open()
    workshop.supervisor.close()
    assert is_gone(spare, None) and spare not in children()
    assert how_many_are_open() < descriptors
