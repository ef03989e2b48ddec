"""What else befalls a daemon: it is stopped and goes on, its database is locked, its children misbehave."""

from __future__ import annotations

import signal
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Daemon, Project, is_running, until

MIB = 1 << 20


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def ends_of(project: Project) -> list[tuple[str, str]]:
    """Every move of an instance into an end, by any writer."""
    rows = project.rows(
        "SELECT subject, after FROM events WHERE subject_kind = 'instance'"
        " AND after IN ('SUCCEEDED', 'FAILED', 'CANCELLED', 'SKIPPED') ORDER BY id"
    )
    return [(row["subject"], row["after"]) for row in rows]


def test_a_daemon_that_was_stopped_and_goes_on_records_what_happened_once(project: Project) -> None:
    here = project.folder
    project.job(
        "work", f"touch {here}/began; until [ -e {here}/go ]; do sleep 0.02; done; touch {here}/ended"
    )
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "work")
        until((here / "began").exists, "it runs")
        project.until("SELECT 1 FROM job_instances WHERE pid IS NOT NULL")
        up.stop_between_writes()
        project.run("instances", "cancel", "1")
        (here / "go").touch()
        until((here / "ended").exists, "its work is done, and nobody hears of it")
        [meanwhile] = project.rows("SELECT state, pid FROM job_instances")
        until(lambda: not is_running(meanwhile["pid"]), "there is nothing left that could be stopped")
        up.signal(signal.SIGCONT)
        project.until("SELECT 1 FROM job_instances WHERE completed_at IS NOT NULL")
        again = project.run("jobs", "trigger", "work", "--wait", "-o", "json")
    assert meanwhile["state"] == "STOPPING"
    assert '"SUCCEEDED"' in again.stdout
    # The work was done before it could be stopped: the result wins over the intent.
    assert ends_of(project) == [("1", "SUCCEEDED"), ("2", "SUCCEEDED")]


@pytest.mark.parametrize("seconds", [2, pytest.param(40, marks=[pytest.mark.long, pytest.mark.timeout(200)])])
def test_a_database_that_another_program_locks_delays_records_and_loses_none(
    project: Project, seconds: int
) -> None:
    project.job(
        "ticks", "true", schedule="{every: 1s}", more="missed: {policy: all, maxAge: 24h, maxRuns: 1000}"
    )
    project.job("work", "sleep 0.2")
    with project.up() as up:
        up.sees(r"ok +ticks")
        project.run("jobs", "trigger", "work")
        other = sqlite3.connect(project.state / "runner.db", isolation_level=None, timeout=30)
        other.execute("BEGIN IMMEDIATE")
        threading.Event().wait(seconds)
        other.execute("ROLLBACK")
        other.close()
        project.until("SELECT 1 FROM job_instances WHERE job = 'work' AND state = 'SUCCEEDED'")
        [at] = project.rows("SELECT max(slot_at) AS latest FROM slots")
        project.until("SELECT 1 FROM slots WHERE slot_at > ?", at["latest"])
        up.signal(signal.SIGTERM)
        assert up.wait() == 0
    slots = [row["slot_at"] for row in project.rows("SELECT slot_at FROM slots ORDER BY slot_at")]
    assert len(slots) == len(set(slots))
    [span] = project.rows(
        "SELECT strftime('%s', max(slot_at)) - strftime('%s', min(slot_at)) + 1 AS n FROM slots"
    )
    assert span["n"] == len(slots), "a slot was left out"
    project.run("db", "check")


def test_a_gibibyte_of_output_is_cut_and_costs_the_daemon_no_memory(project: Project) -> None:
    project.job("loud", "head -c 1073741824 /dev/zero | tr '\\0' 'x'; echo; echo the end")
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "loud", "--wait")
        status = Path(f"/proc/{up.pid}/status").read_text()
    peak_mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    [log] = (project.state / "logs" / "loud").iterdir()
    assert log.stat().st_size < 60 * MIB
    assert peak_mib < 200
    [instance] = project.rows("SELECT state FROM job_instances")
    assert instance == {"state": "SUCCEEDED"}


def test_a_run_that_lets_go_of_everything_and_flees_is_ended_with_all_it_started(project: Project) -> None:
    here = project.folder
    project.job(
        "flees",
        f"""
        (trap '' TERM HUP INT; exec >/dev/null 2>&1 </dev/null
         setsid sh -c 'echo $$ > {here}/pid.new; mv {here}/pid.new {here}/pid; exec sleep 600') &
        until [ -e {here}/pid ]; do sleep 0.02; done
        """,
    )
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "flees", "--wait")
        pid = int((here / "pid").read_text())
        assert not is_running(pid), "it is recorded as ended only when nothing of it is left"


@pytest.mark.long  # the grace is ten seconds
def test_a_run_that_ignores_being_told_to_stop_is_killed_after_the_grace(project: Project) -> None:
    here = project.folder
    project.job("deaf", f"trap '' TERM; touch {here}/began; while :; do sleep 0.05; done")
    with project.up() as up:
        up.sees(r"idle|next")
        project.run("jobs", "trigger", "deaf")
        until((here / "began").exists, "it runs")
        project.run("instances", "cancel", "1")
        project.until("SELECT 1 FROM job_instances WHERE state = 'CANCELLED'")


FENCED = """
exec 9>>{here}/alone
flock -n 9 || touch {here}/twice
echo "$RUNNER_INSTANCE" >> {here}/began
until [ -e {here}/go ]; do sleep 0.02; done
"""


def test_a_daemon_that_was_taken_for_dead_changes_nothing_when_it_goes_on(project: Project) -> None:
    """Its lock is held while it stands still, so nobody takes over but by force: the lock file taken away."""
    here = project.folder
    project.job("work", FENCED.format(here=here), more="onCrash: resume")
    project.job("ticks", "true", schedule="{every: 1s}", more="missed: {policy: all, maxAge: 24h}")
    first = Daemon(project, ())
    try:
        first.sees(r"ok +ticks")
        project.run("jobs", "trigger", "work")
        until((here / "began").exists, "it runs")
        first.stop_between_writes()
        refused = project.run("up", check=3)
        assert f"To let it go on: kill -CONT {first.pid}." in refused.stderr
        assert f"After `kill -KILL {first.pid}` the next `runner up` takes over" in refused.stderr
        (project.state / "runner.lock").unlink()
        with project.up() as second:
            second.sees(r"ok +ticks")
            until(lambda: len((here / "began").read_text().splitlines()) == 2, "it runs again")
            [before] = project.rows("SELECT epoch, session_id FROM job_instances WHERE job = 'work'")
            first.signal(signal.SIGCONT)
            assert first.wait() == 3
            [after] = project.rows("SELECT epoch, session_id FROM job_instances WHERE job = 'work'")
            assert before == after
            (here / "go").touch()
            project.until("SELECT 1 FROM job_instances WHERE job = 'work' AND state = 'SUCCEEDED'")
            [at] = project.rows("SELECT max(slot_at) AS latest FROM slots")
            project.until("SELECT 1 FROM slots WHERE slot_at > ?", at["latest"])
    finally:
        first.end()
    assert "another daemon has taken this database over" in "\n".join(first.lines)
    assert not (here / "twice").exists()

    of_work = project.rows(
        "SELECT row FROM events WHERE subject_kind = 'instance' AND row <> '' AND instance_id ="
        " (SELECT id FROM job_instances WHERE job = 'work') ORDER BY id"
    )
    assert [event["row"] for event in of_work] == ["I2", "I4", "I16", "I4", "I12"]
    slots = [row["slot_at"] for row in project.rows("SELECT slot_at FROM slots ORDER BY slot_at")]
    assert len(slots) == len(set(slots))
    project.run("db", "check")


def test_a_daemon_that_stands_still_can_be_killed_and_the_next_one_takes_over(project: Project) -> None:
    here = project.folder
    project.job("work", FENCED.format(here=here), more="onCrash: resume")
    first = Daemon(project, ())
    try:
        first.sees(r"idle|next")
        project.run("jobs", "trigger", "work")
        until((here / "began").exists, "it runs")
        first.signal(signal.SIGSTOP)
        first.signal(signal.SIGKILL)
        first.process.wait()
        (here / "go").touch()
        with project.up():
            project.until("SELECT 1 FROM job_instances WHERE state = 'SUCCEEDED' AND epoch = 2")
    finally:
        first.end()
    assert not (here / "twice").exists()
