"""The two zygotes: one lean and always there, one with heavy modules that leaves when nobody needs it."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

LOOK = """
import sys
return {'heavy': sorted({'sqlalchemy', 'duckdb', 'pydantic', 'threading'} & set(sys.modules))}
"""


@pytest.fixture
def without_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    """No child is forked before there is an order for it."""
    monkeypatch.setattr("runner.execution.spares.REST_S", 3600.0)


def outputs(workshop: Workshop) -> list[object]:
    return [dict(r.outputs) for r in workshop.reports if getattr(r, "outputs", None)]


def test_a_lean_child_has_no_heavy_module(workshop: Workshop) -> None:
    workshop.run(a_python_step(LOOK))

    assert outputs(workshop) == [{"heavy": []}]


def test_the_lean_zygote_is_small(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))
    rollup = Path(f"/proc/{workshop.supervisor.zygotes.pid_of('lean')}/smaps_rollup").read_text()
    pss = re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)

    assert pss is not None
    assert int(pss[1]) < 16 * 1024


@pytest.mark.usefixtures("without_spares")
def test_what_this_process_started_itself_outlives_a_zygote_that_is_killed(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, process_group=0) as own:
        os.kill(workshop.supervisor.zygotes.pid_of("lean") or 0, signal.SIGKILL)
        assert workshop.run(a_shell_step("true")).outcome == "succeeded"
        assert own.poll() is None
    assert own.returncode == 0


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_zygote_without_room_for_three_descriptors_refuses_and_goes_on(
    workshop: Workshop, room: int
) -> None:
    workshop.run(a_shell_step("true"))
    zygote = workshop.supervisor.zygotes.pid_of("lean")
    assert zygote is not None
    descriptors = resource.prlimit(zygote, resource.RLIMIT_NOFILE)
    resource.prlimit(zygote, resource.RLIMIT_NOFILE, (with_room_for(room, zygote), descriptors[1]))
    refused = next(e for _ in range(3) if (e := workshop.run(a_shell_step("true"))).outcome == "failed")
    assert refused.error is not None  # the runs before it had a child that was forked before
    assert (refused.error.code, refused.error.retryable) == ("not-started", True)
    assert "Too many open files" in refused.error.description
    resource.prlimit(zygote, resource.RLIMIT_NOFILE, descriptors)
    assert workshop.run(a_shell_step("true")).outcome == "succeeded"
    assert workshop.supervisor.zygotes.pid_of("lean") == zygote
    assert with_room_for(0, zygote) <= 12, "nothing that was passed is left open"


def with_room_for(more: int, pid: int) -> int:
    """The limit of descriptors (RLIMIT_NOFILE) with which a process can open so many more than it has now."""
    opened = {int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()}
    limit = 0
    while limit in opened or more:
        more -= limit not in opened
        limit += 1
    return limit


@pytest.mark.usefixtures("without_spares")
def test_what_a_zygote_was_to_start_when_it_was_killed_is_started_by_the_next_one(
    workshop: Workshop,
) -> None:
    workshop.run(a_shell_step("true"))
    zygote = workshop.supervisor.zygotes.pid_of("lean") or 0
    os.kill(zygote, signal.SIGSTOP)
    numbers = [workshop.start(a_shell_step(f"echo {n}")) for n in range(3)]
    os.kill(zygote, signal.SIGKILL)
    assert [workshop.end_of(number).error for number in numbers] == [None] * 3
    assert [workshop.lines(number) for number in numbers] == [["0"], ["1"], ["2"]]


@pytest.mark.usefixtures("without_spares")
def test_what_two_zygotes_could_not_start_has_crashed(workshop: Workshop) -> None:
    workshop.run(a_shell_step("true"))
    zygotes, killed = workshop.supervisor.zygotes, set[int]()

    def kill_each(done: Callable[[], None]) -> None:
        zygote = zygotes.pid_of("lean")
        if zygote is not None and zygote not in killed:
            killed.add(zygote)
            os.kill(zygote, signal.SIGSTOP)
            if len(killed) == 1:
                workshop.start(a_shell_step("true"))
            os.kill(zygote, signal.SIGKILL)
        if workshop.ended(2) is not None:
            done()
        else:
            workshop.loop.call_soon(kill_each, done)

    workshop.until_ready(kill_each)
    assert workshop.end_of(2).outcome == "crashed"
    assert len(killed) == 2
    assert workshop.run(a_shell_step("true")).outcome == "succeeded"


def test_a_data_child_finds_its_modules_loaded_and_the_zygote_leaves_when_idle(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workshop.supervisor.zygotes, "idle_s", 0.01)
    assert workshop.run(a_python_step(LOOK), profile="data").outcome == "succeeded"
    assert {"duckdb", "sqlalchemy"} <= set(outputs(workshop)[0]["heavy"])  # type: ignore[index]
    zygote = workshop.supervisor.zygotes.pid_of("data")

    workshop.until_gone(zygote)
    assert workshop.run(a_python_step(LOOK), profile="data").outcome == "succeeded"


def test_a_directory_in_which_nothing_happened_is_used_again(workshop: Workshop) -> None:
    where: Callable[[], object] = lambda: outputs(workshop)[-1]  # noqa: E731
    source = "import os; return {'cwd': os.getcwd()}"
    workshop.run(a_python_step(source), workdir=None)
    first = where()
    workshop.run(a_python_step(source + " | {}"), workdir=None)
    assert where() == first
    workshop.run(a_python_step("open('x', 'w'); import os; os.unlink('x'); " + source), workdir=None)
    assert where() == first
    workshop.run(a_python_step(source), workdir=None)
    assert where() != first


def test_nothing_is_left_of_working_directories(workshop: Workshop) -> None:
    workshop.run(a_shell_step("mkdir -p a/b; touch a/b/c"), workdir=None)
    workshop.run(a_shell_step("true"), workdir=None)
    workshop.supervisor.close()

    assert list((workshop.state / "work").iterdir()) == []
