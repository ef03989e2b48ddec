"""A process that SIGKILL does not end is waited for for ten seconds, and keeps no run from its end."""

from __future__ import annotations

import os

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

from runner.execution.order import Raised
from tests.held_processes import that_cannot_end

SLEEPS = "import time; time.sleep(1000)"


def warnings(workshop: Workshop) -> dict[int, tuple[str, str]]:
    return {r.instance: (r.code, r.description) for r in workshop.reports if isinstance(r, Raised)}


def test_what_was_killed_and_cannot_end_keeps_no_run_from_its_end_and_is_named(workshop: Workshop) -> None:
    gate = workshop.state / "gate"
    os.mkfifo(gate)
    said = [workshop.state / name for name in ("away", "beside", "below")]
    leaves = f"setsid sleep 1000 & echo $! > {said[0]}; sleep 1000 & echo $! > {said[1]}; read line < {gate}"
    source = f"""
import subprocess, time
below = subprocess.Popen(["sleep", "1000"], start_new_session=True)
with open({str(said[2])!r}, "w") as file: print(below.pid, file=file)
time.sleep(1000)
"""
    one = workshop.start(a_shell_step(leaves))
    two = workshop.start(a_python_step(source))
    away, beside, below = (int(workshop.until_file(path)) for path in said)
    with that_cannot_end(away, beside, workshop.pid_of(two)):
        workshop.supervisor.stop(two, 1, grace_s=0, why="cancelled")
        gate.write_text("go\n")
        other = workshop.start(a_shell_step("true"))
        assert workshop.end_of(one).outcome == "succeeded"
        assert workshop.end_of(two).outcome == "stopped"
        assert workshop.end_of(other).outcome == "succeeded"
        workshop.until_gone(below)
        assert workshop.run(a_shell_step("true")).outcome == "succeeded"
    text = "was killed and does not end: it waits for a device or a file system"
    assert warnings(workshop)[one] in [("left-behind", f"its process {pid} {text}") for pid in (away, beside)]
    assert warnings(workshop)[two] == ("left-behind", f"its process {workshop.pid_of(two)} {text}")


@pytest.mark.long
def test_what_a_dead_zygote_leaves_and_cannot_end_has_ended_and_a_stop_too(
    workshop: Workshop,
) -> None:
    number = workshop.start(a_python_step(SLEEPS))
    with that_cannot_end(workshop.pid_of(number)):
        os.kill(workshop.supervisor.zygotes.pid_of("lean") or 0, 9)
        assert workshop.end_of(number).outcome == "crashed"
        assert workshop.run(a_shell_step("true")).outcome == "succeeded"
        with that_cannot_end(workshop.pid_of(workshop.start(a_python_step(SLEEPS)))):
            workshop.supervisor.close()
