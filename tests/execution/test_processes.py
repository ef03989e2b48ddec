"""Which processes are gone, and which are there."""

from __future__ import annotations

import os
import subprocess
import sys

from runner.execution.processes import is_gone


def test_a_zombie_is_gone() -> None:
    with subprocess.Popen(["/bin/true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(process.pid, None)


MANY = """\
import os, signal
from runner.execution.processes import children, children_in
mine = []
for _ in range(1000):
    pid = os.fork()
    if not pid:
        signal.pause()
    mine.append(pid)
whole = children_in(os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY))
for pid in mine:
    os.kill(pid, signal.SIGKILL)
print(sorted(whole) == sorted(children()) == sorted(mine))
"""


def test_children_are_found_however_many_there_are() -> None:
    said = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True).stdout
    assert said == "True\n"
