"""`runner up` while its clocks are put forward and back, and its machine sleeps: what starts, what is told.

The daemon and every command are processes whose clocks really jump; see moved_clocks.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.moved_clocks import MovedClocks, moved_clocks, needs_compiler
from tests.acceptance.running_daemon import Project, until

pytestmark = needs_compiler

PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 7, 17, 0x4206, 0x4207
WALL = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
LIBC.ptrace.restype = ctypes.c_long

SLOTS = (
    "SELECT slot_at, decision, rule FROM slots JOIN objects ON uid = job_uid WHERE name = ? ORDER BY slot_at"
)
RUNS = (
    "SELECT slot_at FROM job_instances WHERE job = ? AND origin = 'slot' AND state = 'SUCCEEDED' ORDER BY id"
)
TWICE = "SELECT slot_key FROM job_instances GROUP BY job_uid, slot_key HAVING count(*) > 1"
SETTLED = r"^\d\d:\d\d:\d\d +(next|idle) "


@pytest.fixture
def clocks(tmp_path: Path) -> MovedClocks:
    """They show ten to noon on 15 January 2027."""
    clocks = moved_clocks(tmp_path)
    clocks.is_set(moment("11:50"))
    return clocks


@pytest.fixture
def project(tmp_path: Path, clocks: MovedClocks) -> Project:
    """Two jobs that start each hour: one that catches up the last start, and one that catches up none."""
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, clocks.environment)
    project.job("last", "true", schedule='"0 * * * *"')
    project.job("none", "true", schedule='"0 * * * *"', more="missed: {policy: none}")
    project.job("by-hand", "true")
    return project


def moment(time: str) -> datetime:
    return datetime.fromisoformat(f"2027-01-15T{time}:00Z" if time.count(":") == 1 else f"2027-01-15T{time}Z")


def why(project: Project, job: str, time: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(project.run("jobs", "why", job, time, "-o", "json").stdout)
    return answer


def runs(project: Project, job: str) -> list[str]:
    """The slots that were run, in the order in which they were."""
    return [row["slot_at"][11:16] for row in project.rows(RUNS, job)]


def decisions(project: Project, job: str) -> list[tuple[str, str]]:
    return [(row["slot_at"][11:16], row["decision"]) for row in project.rows(SLOTS, job)]


def has_run(project: Project, job: str, *slots: str) -> None:
    until(lambda: runs(project, job) == list(slots), f"{job} has run {slots}, not {runs(project, job)}")


@pytest.mark.long  # some twelve commands, each started anew
def test_steps_and_a_suspend_repeat_nothing_lose_nothing_unseen_and_are_explained(
    project: Project, clocks: MovedClocks
) -> None:
    with project.up() as up:
        up.sees(SETTLED)

        clocks.is_set(moment("13:05"))  # forward: noon and 13:00 were missed
        up.sees(r"clock +the clock was put forward by 1h1\dm.*: what fell due in that time was missed")
        has_run(project, "last", "13:00")
        assert decisions(project, "none") == [("12:00", "skipped"), ("13:00", "skipped")]
        answer = why(project, "none", "12:00")
        assert (answer["answer"], answer["rule"]) == ("skipped", "missed-none")
        assert re.match(r"the clock was put forward by 1h1\S+, over the time from ", answer["blocker"])
        assert any(
            "caught up" in each and "put forward" in each for each in why(project, "last", "13:00")["text"]
        )
        status = project.run("status", check=1).stdout
        assert "none" in status
        assert "a start was missed" in status

        clocks.is_set(moment("12:59:58"))  # back: 13:00 comes again
        up.sees(r"clock +the clock was put back by 5m\S*: nothing is started twice")
        until(lambda: clocks.now() > moment("13:00:01"), "it is 13:00 again")
        project.run("jobs", "trigger", "by-hand", "--wait")  # the daemon has looked since
        assert runs(project, "last") == ["13:00"]
        assert why(project, "none", "13:00")["rule"] == "missed-none"

        clocks.sleeps(hours=2, minutes=30)  # until half past three
        up.sees(r"clock +the machine slept for 2h30m: what fell due in that time was missed")
        has_run(project, "last", "13:00", "15:00")
        assert "the machine slept from 2027-01-15 13:0" in why(project, "none", "14:00")["blocker"]
        assert "put forward" not in up.text().rpartition("the machine slept")[2]

        clocks.is_set(moment("16:59:58"))
        up.sees("put forward by 1h")
        has_run(project, "last", "13:00", "15:00", "16:00", "17:00")  # 17:00 in its time
        has_run(project, "none", "17:00")
        assert up.process.poll() is None
    assert project.rows(TWICE) == []
    kinds = [
        row["event"]
        for row in project.rows("SELECT event FROM events WHERE event LIKE 'clock.%' ORDER BY id")
    ]
    assert kinds == ["clock.forward", "clock.backward", "clock.suspend", "clock.forward"]
    assert "Traceback" not in up.text()
    project.run("db", "check")


@pytest.mark.long
def test_three_hours_back_hold_all_starts_until_the_clock_is_right_or_somebody_says_so(
    project: Project, clocks: MovedClocks
) -> None:
    with project.up() as up:
        up.sees(SETTLED)
        clocks.is_set(moment("11:59:58"))
        has_run(project, "none", "12:00")
        clocks.is_set(moment("08:59:58"))
        up.sees(r"CLOCK +the clock was put back by 3h\S*: .*automatic starts are held")
        assert [hold["kind"] for hold in listed(project, "last")["holds"]] == ["maintenance"]
        status = project.run("status", check=1).stdout
        assert "automatic starts are held" in status
        assert "hold maintenance of system:clock-step on 3 jobs ends" in status
        assert why(project, "none", "10:00")["answer"] == "held"
        assert "maintenance of system:clock-step" in project.run("jobs", "trigger", "by-hand", check=3).stderr
        clocks.passes(seconds=20)
        project.until("SELECT 1 FROM presence WHERE ended_by = '' AND last_at > '2027-01-15T09:00:01'")
        assert runs(project, "none") == ["12:00"]

        clocks.is_set(moment("12:59:58"))  # NTP has found the time again
        up.sees("put forward")
        has_run(project, "none", "12:00", "13:00")
        assert listed(project, "last")["holds"] == []

        clocks.is_set(moment("05:30"))  # and now it is right: it had been days ahead, for one
        up.sees("CLOCK +the clock was put back by 7h")
        project.run("maintenance", "off", "--reason", "it is right now", "--yes")
        clocks.is_set(moment("05:59:58"))
        has_run(project, "none", "12:00", "13:00", "06:00")
    assert project.rows(TWICE) == []


@pytest.mark.long
def test_a_run_that_is_under_way_is_not_hurt_and_a_retry_waits_as_long_as_it_would_have(
    project: Project, clocks: MovedClocks
) -> None:
    go = project.folder / "go"
    project.job("long", f"until [ -e {go} ]; do sleep 0.05; done", more="timeout: 30m")
    project.job("fails", "exit 1", more="retry: {initial: 10m, maxAttempts: 2}")
    waits = "SELECT due_at FROM job_instances WHERE job = 'fails' AND reason = 'retry'"
    with project.up() as up:
        up.sees(SETTLED)
        project.run("jobs", "trigger", "fails")
        project.run("jobs", "trigger", "long")
        project.until("SELECT 1 FROM job_instances WHERE job = 'long' AND state = 'RUNNING'")
        [first] = project.until(waits)
        clocks.is_set(clocks.now() + timedelta(hours=1))
        up.sees("put forward by")
        clocks.is_set(clocks.now() - timedelta(hours=2))
        up.sees("put back by")
        [second] = project.rows(waits)
        apart = datetime.fromisoformat(first["due_at"]) - datetime.fromisoformat(second["due_at"])
        assert abs(apart - timedelta(hours=1)) < timedelta(minutes=1)
        clocks.sleeps(minutes=45)
        up.sees("slept for 45m")
        project.until("SELECT 1 FROM job_instances WHERE job = 'fails' AND state = 'FAILED' AND attempt = 2")
        assert project.rows("SELECT state FROM job_instances WHERE job = 'long'") == [{"state": "RUNNING"}]
        go.touch()
        project.until("SELECT 1 FROM job_instances WHERE job = 'long' AND state = 'SUCCEEDED'")
    project.run("db", "check")


def test_a_machine_that_is_frozen_and_one_that_is_restarted_with_another_time(
    project: Project, clocks: MovedClocks
) -> None:
    with project.up() as up:
        up.sees(SETTLED)
        up.stop_between_writes()  # as a hypervisor stops a machine: no clock of it goes on
        clocks.is_set(moment("13:30"))
        frozen = why(project, "none", "13:00")
        assert frozen["answer"] == "daemon-down"
        assert frozen["blocker"].endswith("and has not been heard since")
        up.signal(signal.SIGCONT)  # and its time is put right
        up.sees("clock +the clock was put forward by 1h[34]")
        has_run(project, "last", "13:00")
        until(lambda: len(decisions(project, "none")) == 2, "both are decided")
        assert "put forward" in why(project, "none", "13:00")["blocker"]
        up.kill()
    clocks.sleeps(hours=1)  # two hours are over, of which the clock shows half
    clocks.passes(hours=1)
    clocks.is_set(clocks.now() - timedelta(hours=1))
    with project.up() as up:
        up.sees("clock +the clock was put back by 1h")
        has_run(project, "last", "13:00", "14:00")
        blocker = why(project, "none", "14:00")["blocker"]
        assert "the daemon was down from 2027-01-15 13:30:" in blocker
        assert "meanwhile the clock was put back by 1h" in blocker
    assert project.rows(TWICE) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("date", "slots", "by_clock", "by_rate"),
    [
        ("2027-03-28", ["00:30", "01:00", "01:30"], ["03:00:00+02:00"], ["01:30:00+01:00", "03:30:00+02:00"]),
        (
            "2027-10-31",
            ["00:30", "01:30", "02:30"],
            ["02:30:00+02:00"],
            ["02:30:00+02:00", "02:30:00+01:00", "03:30:00+01:00"],
        ),
    ],
    ids=["put forward", "put back"],
)
def test_a_night_in_which_the_clocks_of_a_zone_change(
    project: Project,
    clocks: MovedClocks,
    date: str,
    slots: list[str],
    by_clock: list[str],
    by_rate: list[str],
) -> None:
    def local(job: str) -> list[str]:
        rows = project.rows("SELECT slot_local FROM job_instances WHERE job = ? ORDER BY id", job)
        return [row["slot_local"][11:] for row in rows]

    project.job("clock", "true", schedule='{cron: "30 2 * * *", timezone: Europe/Berlin}')
    project.job("rate", "true", schedule='{cron: "30 * * * *", timezone: Europe/Berlin}')
    clocks.is_set(datetime.fromisoformat(f"{date}T00:10Z"))
    with project.up() as up:
        up.sees(SETTLED)
        for slot in slots:
            due = datetime.fromisoformat(f"{date}T{slot}Z")
            clocks.passes(seconds=(due - clocks.now()).total_seconds() - 3)
            ended = "SELECT 1 FROM job_instances WHERE slot_at = ? AND state = 'SUCCEEDED'"
            project.until(ended, f"{due:%Y-%m-%dT%H:%M:%S.000Z}")
        clocks.passes(minutes=20)
        project.run("jobs", "trigger", "by-hand", "--wait")
    assert local("clock") == by_clock
    assert local("rate") == by_rate


@pytest.mark.long
@pytest.mark.parametrize("how", ["backup", "by hand"])
def test_a_restored_database_starts_nothing_again(project: Project, clocks: MovedClocks, how: str) -> None:
    database, copy = project.state / "runner.db", project.folder / "copy.db"
    with project.up() as up:
        up.sees(SETTLED)
    if how == "backup":
        project.run("db", "backup", str(copy))
    else:
        shutil.copyfile(database, copy)
    clocks.sleeps(hours=2)
    with project.up():
        has_run(project, "last", "13:00")
    shutil.copyfile(copy, database)
    clocks.sleeps(hours=1)
    with project.up() as up:
        up.sees("RESTORED +the database was restored from a copy of 2027-01-15 11:5.*6 starts of 2 jobs")
        project.run("jobs", "trigger", "by-hand", "--wait")
        assert runs(project, "last") == []
        answer = why(project, "last", "13:00")
        assert (answer["answer"], answer["rule"]) == ("skipped", "restored")
        assert "the database was restored" in project.run("status", check=1).stdout
        clocks.is_set(moment("14:59:58"))
        has_run(project, "last", "15:00")
    with project.up() as up:
        up.sees(SETTLED)
        assert "RESTORED" not in up.text()


@pytest.mark.long  # more than two minutes pass, and a look at slots each minute
def test_a_slot_that_is_not_decided_is_told_by_the_watchdog_and_starts_when_it_can(
    project: Project, clocks: MovedClocks
) -> None:
    with project.up() as up:
        up.sees(SETTLED)
        break_decisions(project, "BEFORE INSERT ON slots BEGIN SELECT RAISE(ABORT, 'broken by a test'); END")
        clocks.is_set(moment("11:59:59"))
        up.sees("deciding the slots of ")

        def alarmed() -> bool:
            clocks.passes(seconds=1)  # with each look of the test
            return bool(project.rows("SELECT 1 FROM events WHERE event = 'watchdog.slot'"))

        until(alarmed, "the watchdog has said so")
        up.sees("WATCHDOG +slots of .* were not decided since 2027-01-15 12:00:0")
        assert "the daemon does not decide it" in project.run("status", check=1).stdout
        break_decisions(project, None)
        has_run(project, "last", "12:00")
    assert len(project.rows("SELECT 1 FROM events WHERE event = 'watchdog.slot'")) == 1


@pytest.mark.long
def test_a_loop_that_stands_still_is_told_by_the_watchdog_and_so_is_its_return(
    project: Project, clocks: MovedClocks
) -> None:
    with project.up() as up:
        up.sees(SETTLED)
        with stopped_thread(up.pid):  # the first thread of the daemon is its loop
            clocks.passes(minutes=2, seconds=30)
            [event] = project.until("SELECT why FROM events WHERE event = 'watchdog.stall'")
            told = (
                r"the loop has not ticked for [2-9]m\S*, and nothing is started meanwhile; "
                rf"it is held by a debugger \([^)]*pid {os.getpid()}\)"
            )
            assert re.match(told, event["why"])
            up.sees(f"WATCHDOG +{told}")
            assert "the loop has not ticked" in project.run("status", check=1).stdout
        up.sees("the daemon stood still for [2-9]m")
        clocks.passes(seconds=30)  # until the watchdog looks again
        up.sees("WATCHDOG +the loop ticks again")
        clocks.is_set(moment("11:59:58"))
        has_run(project, "none", "12:00")


@contextmanager
def stopped_thread(thread: int) -> Iterator[None]:
    """While it is stopped, the other threads of its process go on."""

    def ptrace(request: int) -> None:
        if LIBC.ptrace(request, thread, None, None) != 0:
            reason = os.strerror(ctypes.get_errno())
            pytest.skip(f"no process may be traced here: {reason}")

    ptrace(PTRACE_SEIZE)
    try:
        until(lambda: _waits_for_the_kernel(thread, ptrace), "it is stopped while it holds nothing")
        yield
    finally:
        ptrace(PTRACE_DETACH)


def _waits_for_the_kernel(thread: int, ptrace: Callable[[int], None]) -> bool:
    """Stops it; lets it go on when it was at work, for then it holds the interpreter's lock."""
    ptrace(PTRACE_INTERRUPT)
    os.waitpid(thread, WALL)
    if Path(f"/proc/{thread}/syscall").read_text().split()[0].isdecimal():
        return True
    ptrace(PTRACE_CONT)
    return False


def listed(project: Project, job: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.run("jobs", "show", job, "-o", "json").stdout)
    return found


def break_decisions(project: Project, how: str | None) -> None:
    with sqlite3.connect(project.state / "runner.db", timeout=30) as connection:
        connection.execute(f"CREATE TRIGGER broken {how}" if how else "DROP TRIGGER broken")
    connection.close()
