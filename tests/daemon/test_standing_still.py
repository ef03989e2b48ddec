"""A process of the daemon that somebody has stopped goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable

from daemons import Daemon, run_until
from installations import Installation, a_job

from runner.daemon.standing_still import StandingStill
from runner.execution.processes import is_suspended

Start = Callable[..., Daemon]


def test_a_child_that_is_stopped_goes_on_and_is_told_of_once() -> None:
    loop, heard = asyncio.new_event_loop(), list[str]()
    with subprocess.Popen(["sleep", "1000"]) as child:
        standing_still = StandingStill(loop, heard.append)
        for _ in range(2):
            os.kill(child.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
            run_until(loop, lambda: not is_suspended(child.pid))
        assert heard == [
            f"process {child.pid}, which starts and ends all runs, was stopped (SIGSTOP), and goes on"
        ]
        standing_still.stop()
        child.kill()
    loop.close()


def test_a_job_that_stops_its_parent_keeps_nothing_from_its_end(here: Installation, a_daemon: Start) -> None:
    source = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"
    here.install(a_job("stops", steps=[{"name": "run", "python": {"source": source}}]))
    here.install(a_job("other"))
    up = a_daemon()
    standing_still = StandingStill(up.loop, lambda text: None)
    assert up.until_ended(up.trigger("stops")).state == "SUCCEEDED"
    assert up.until_ended(up.trigger("other")).state == "SUCCEEDED"
    standing_still.stop()
