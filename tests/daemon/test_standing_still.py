"""A process of the daemon that somebody has stopped goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daemons import Daemon, run_until
from fleets import FLEET, a_fan_out, waits_for
from installations import NOW, Installation, a_job

from runner.daemon.standing_still import StandingStill
from runner.execution.processes import is_suspended
from runner.operations.standing_runs import standing_runs
from runner.vocabulary.instants import to_the_second
from tests.held_processes import held_by_a_debugger

Start = Callable[..., Daemon]


class Alarms:
    """Remembers what is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Any]] = []

    def __call__(self, event: str, text: str, now: datetime, **details: Any) -> None:
        self.heard.append((event, text, details))


def test_a_child_that_is_stopped_goes_on_and_is_told_of_once() -> None:
    loop, alarms = asyncio.new_event_loop(), Alarms()
    with subprocess.Popen(["sleep", "1000"]) as child:
        standing_still = StandingStill(loop, lambda: NOW, alarms)
        for _ in range(2):
            os.kill(child.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
            run_until(loop, lambda: not is_suspended(child.pid))
        text = f"process {child.pid}, which the daemon started, was stopped (SIGSTOP), and goes on"
        assert alarms.heard == [("watchdog.stopped", text, {"pids": [child.pid]})]
        standing_still.stop()
        child.kill()
    loop.close()


def test_a_child_that_a_debugger_holds_is_told_with_who_holds_it_and_when_it_is_over() -> None:
    loop, alarms, now = asyncio.new_event_loop(), Alarms(), [NOW]
    with subprocess.Popen(["sleep", "1000"]) as child:
        standing_still = StandingStill(loop, lambda: now[0], alarms)
        with held_by_a_debugger(child.pid) as debugger:
            for _ in range(3):
                standing_still.look_for_debuggers()
                now[0] += timedelta(seconds=10)
        standing_still.look_for_debuggers()
        standing_still.stop()
        child.kill()
    loop.close()
    go_on = f"detach the debugger, or: kill {debugger}"
    told = (
        f"process {child.pid}, which the daemon started, is held by a debugger (python, pid {debugger})"
        f" since {to_the_second(NOW)}: what it is to do is not done meanwhile; {go_on}"
    )
    over = f"process {child.pid}, which the daemon started, is held by the debugger no more"
    assert [(event, text.replace("python3", "python")) for event, text, _ in alarms.heard] == [
        ("watchdog.held", told),
        ("watchdog.freed", over),
    ]
    assert [details for _, _, details in alarms.heard] == [
        {"pid": child.pid, "go_on": go_on},
        {"pid": child.pid},
    ]


def test_a_zygote_that_a_debugger_holds_is_told_as_what_it_is(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("other"))
    up, alarms = a_daemon(), Alarms()
    standing_still = StandingStill(up.loop, lambda: NOW, alarms)
    zygote = up.engine._supervisor.zygotes.pid_of("lean")
    assert zygote is not None
    with held_by_a_debugger(zygote):
        standing_still.look_for_debuggers()
        standing_still.look_for_debuggers()
        run = up.trigger("other")
    [(event, text, _)] = alarms.heard
    assert event == "watchdog.held"
    assert f"process {zygote}, which starts and ends runs, is held by a debugger" in text
    assert "no run starts or ends meanwhile" in text
    assert up.until_ended(run).state == "SUCCEEDED"
    standing_still.stop()


def test_status_names_the_targets_that_stand_still(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_fan_out("visit", waits_for(tmp_path), parallel=3))
    up = a_daemon()
    run = up.trigger("visit")

    def process_of(target: str) -> int | None:
        with here.store.read() as reader:
            return next((each.pid for each in reader.tasks.processes(run) if each.target == target), None)

    def told() -> list[tuple[str, str]]:
        with here.store.read() as reader:
            return [(each.summary, each.hint) for each in standing_runs(reader, NOW)]

    up.until(lambda: all(process_of(target) for target in ("edge-1", "edge-2", "edge-3")))
    assert told() == []
    first, second = process_of("edge-1"), process_of("edge-2")
    assert first is not None and second is not None
    os.kill(first, signal.SIGSTOP)
    up.until(lambda: is_suspended(first))
    with held_by_a_debugger(second) as debugger:
        (one, go_on), (other, let_go) = told()
    assert one == f"target edge-1 of run {run} stands still: its process {first} is stopped (SIGSTOP)"
    assert go_on == f"kill -CONT {first}, or: runner instances kill {run} --target edge-1"
    what = f"target edge-2 of run {run} stands still: its process {second} is held by a debugger"
    assert other.startswith(what)
    assert let_go == (
        f"detach the debugger, or: kill {debugger}, or: runner instances kill {run} --target edge-2"
    )
    os.kill(first, signal.SIGCONT)
    up.until(lambda: told() == [])
    for target in FLEET:
        (tmp_path / f"go-{target}").touch()
    assert up.until_ended(run).state == "SUCCEEDED"


def test_a_job_that_stops_its_parent_keeps_nothing_from_its_end(here: Installation, a_daemon: Start) -> None:
    source = "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)"
    here.install(a_job("stops", steps=[{"name": "run", "python": {"source": source}}]))
    here.install(a_job("other"))
    up = a_daemon()
    standing_still = StandingStill(up.loop, lambda: NOW, Alarms())
    assert up.until_ended(up.trigger("stops")).state == "SUCCEEDED"
    assert up.until_ended(up.trigger("other")).state == "SUCCEEDED"
    standing_still.stop()
