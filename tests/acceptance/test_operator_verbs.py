"""An operator's verbs on a running daemon: pause, resume, bounce, kill, drain, maintenance, run again."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.running_daemon import Project, is_running, until


def two_steps(project: Project, *, more: str = "") -> tuple[Path, Path]:
    """A manual job: its first step says that it has begun and waits for a word, its second writes a line."""
    begun, go = project.folder / "begun", project.folder / "go"
    project.declare(
        "load.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {{name: load}}
        spec:
          enabled: true
          {more or "retry: none"}
          steps:
            - name: first
              shell: |
                echo $$ > {begun}.new; mv {begun}.new {begun}
                until [ -e {go} ]; do sleep 0.02; done
                echo 1 >> {project.folder}/first
            - name: second
              shell: echo 2 >> {project.folder}/second
              skippable: true
        """,
    )
    return begun, go


def the_run(project: Project, id: int = 1) -> dict[str, Any]:
    [row] = project.rows("SELECT * FROM job_instances WHERE id = ?", id)
    return row


def reaches(project: Project, state: str, id: int = 1) -> None:
    project.until("SELECT 1 FROM job_instances WHERE id = ? AND state = ?", id, state)


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_a_paused_run_stops_between_two_steps_and_goes_on_with_the_same_id(project: Project) -> None:
    begun, go = two_steps(project)
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(begun.exists, "the first step runs")
        assert "instance 1 of load: PAUSING" in project.run("instances", "pause", "1").stdout
        go.touch()
        reaches(project, "PAUSED")
        assert (lines(project.folder / "first"), lines(project.folder / "second")) == (1, 0)
        project.run("instances", "resume", "1")
        up.sees(r"ok +load #1")
    assert (lines(project.folder / "first"), lines(project.folder / "second")) == (1, 1)
    assert (the_run(project)["attempt"], the_run(project)["epoch"]) == (1, 2)
    moves = project.rows("SELECT row FROM events WHERE subject_kind = 'instance' AND row <> '' ORDER BY id")
    assert [move["row"] for move in moves] == ["I2", "I4", "I18", "I21", "I28", "I4", "I12"]


def test_a_paused_job_holds_its_starts_and_a_resume_lets_them_go(project: Project) -> None:
    project.job("hello", "true")
    with project.up() as up:
        up.sees(r"idle")
        said = project.run("jobs", "pause", "hello", "--reason", "INC-1")
        assert "Job/hello paused: ASLEEP (paused)" in said.stdout
        project.run("jobs", "trigger", "hello")
        assert '"detail": "paused"' in project.run("jobs", "list", "-o", "json").stdout
        assert the_run(project)["state"] == "SCHEDULED"
        project.run("jobs", "resume", "hello")
        up.sees(r"ok +hello #1")


def test_a_pause_is_refused_with_3_where_the_last_step_may_not_begin_anew(project: Project) -> None:
    begun = project.folder / "begun"
    project.job("load", f"touch {begun}; sleep 600")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(begun.exists, "it runs")
        assert "onCrash: fail" in project.run("instances", "pause", "1", check=3).stderr
        project.run("instances", "kill", "1")
        up.sees(r"cancelled +load #1")
        assert "pause is accepted in" in project.run("instances", "pause", "1", check=3).stderr


def test_a_bounced_run_is_stopped_and_comes_back_with_the_same_id(project: Project) -> None:
    begun, go = two_steps(project)
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(begun.exists, "the first step runs")
        pid = int(begun.read_text())
        begun.unlink()
        project.run("jobs", "bounce", "load")
        until(begun.exists, "the first step runs again")
        assert not is_running(pid)
        go.touch()
        up.sees(r"ok +load #1")
    assert (the_run(project)["epoch"], the_run(project)["attempt"]) == (2, 1)


def test_a_drained_daemon_evicts_and_the_next_one_goes_on_with_the_same_id(project: Project) -> None:
    begun, go = two_steps(project)
    with project.up("--grace", "60s") as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(begun.exists, "the first step runs")
        drain = project.start("drain", "--reason", "new version")
        reaches(project, "PAUSING")
        go.touch()
        assert up.wait() == 0
        out, _ = drain.communicate(timeout=30)
    assert "drained: 1 evicted" in out
    assert (the_run(project)["state"], the_run(project)["pauses"]) == ("PAUSED", "eviction")
    with project.up() as up:
        up.sees(r"ok +load #1")
    assert (lines(project.folder / "first"), lines(project.folder / "second")) == (1, 1)
    assert project.run("drain").stdout == ""


def test_a_second_daemon_takes_the_place_of_the_first_when_it_drains_it(project: Project) -> None:
    begun, go = two_steps(project)
    with project.up("--grace", "60s") as first:
        first.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(begun.exists, "the first step runs")
        with project.up("--drain") as second:
            reaches(project, "PAUSING")
            go.touch()
            second.sees(r"ok +load #1")
            assert first.wait() == 0


def test_sigterm_evicts_too_and_stops_the_rest_after_the_grace(project: Project) -> None:
    begun, _ = two_steps(project, more="onCrash: resume")
    stuck = project.folder / "stuck"
    project.job("other", f"touch {stuck}; sleep 600")
    with project.up("--grace", "1s") as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        project.run("jobs", "trigger", "other")
        until(lambda: begun.exists() and stuck.exists(), "both run")
        up.signal(signal.SIGTERM)
        assert up.wait() == 0
    assert (the_run(project, 1)["state"], the_run(project, 1)["reason"]) == ("PAUSED", "eviction")
    assert (the_run(project, 2)["state"], the_run(project, 2)["reason"]) == ("FAILED", "shutdown")


@pytest.mark.long
def test_a_step_that_is_not_to_be_interrupted_outlasts_every_signal_but_sigquit(project: Project) -> None:
    begun, go = two_steps(project)
    text = (project.folder / "jobs.d" / "load.yaml").read_text()
    project.declare("load.yaml", text.replace("- name: first", "- name: first\n      interruptible: false"))
    project.job("other", "sleep 600", more="onCrash: resume")
    with project.up("--grace", "600s") as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        project.run("jobs", "trigger", "other")
        until(begun.exists, "the step runs")
        project.until("SELECT 1 FROM steps WHERE instance_id = 2 AND state = 'STARTED'")
        up.signal(signal.SIGTERM)
        up.sees(r"stopping +SIGTERM: waiting up to 600s for 2 running; once more to stop at once")
        assert "the daemon drains, nothing starts any more" in project.run("status").stdout
        assert "nothing starts any more, 2 running" in project.run("doctor").stdout
        up.presses(signal.SIGTERM, r"stopping +SIGTERM: no more grace")
        up.sees(r"waiting +load #1  step first is not interruptible, and has no timeout")
        up.sees(r"runner instances kill 1, or SIGQUIT")
        up.sees(r"paused +other #2")
        for again in (signal.SIGINT, signal.SIGTERM):
            up.signal(again)
            up.sees(r"waiting +load #1")
        assert "step first, which is not interruptible" in project.run("status").stdout
        assert the_run(project)["state"] in ("RUNNING", "PAUSING")
        go.touch()
        assert up.wait() == 0
    assert (lines(project.folder / "first"), lines(project.folder / "second")) == (1, 0)
    assert (the_run(project)["state"], the_run(project)["reason"]) == ("PAUSED", "eviction")
    go.unlink()
    project.run("instances", "cancel", "2")
    with project.up() as up:
        up.sees(r"ok +load #1")
        begun.unlink()
        project.run("jobs", "trigger", "load")
        until(begun.exists, "the step runs once more")
        up.signal(signal.SIGQUIT)
        up.sees(r"stopping +SIGQUIT: killing everything, 1 running")
        assert up.wait() == 0
    assert (the_run(project, 3)["state"], the_run(project, 3)["reason"]) == ("FAILED", "shutdown")


def test_a_maintenance_holds_all_jobs_and_no_force_passes_it(project: Project) -> None:
    project.job("hello", "true")
    with project.up() as up:
        up.sees(r"idle")
        assert "needs --reason" in project.run("maintenance", "on", check=64).stderr
        project.run("maintenance", "on", "--reason", "upgrade", "--for", "2h", "--yes")
        assert "hold maintenance" in project.run("jobs", "trigger", "hello", "--force", check=3).stderr
        assert "hold maintenance" in project.run("status", check=None).stdout
        project.run("maintenance", "off", "--yes")
        project.run("jobs", "trigger", "hello")
        up.sees(r"ok +hello #1")


def test_a_failed_run_is_run_again_from_where_it_failed_or_behind_it(project: Project) -> None:
    mended = project.folder / "mended"
    project.declare(
        "load.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {{name: load}}
        spec:
          enabled: true
          retry: none
          steps:
            - name: first
              shell: echo rows=7 >> $RUNNER_OUTPUT
            - name: second
              shell: '[ -e {mended} ]'
              skippable: true
            - name: third
              shell: {{script: 'echo "got $ROWS"', env: {{ROWS: "${{{{ steps.first.outputs.rows }}}}"}}}}
        """,
    )
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        up.sees(r"FAILED +load #1")
        mended.touch()
        said = project.run("instances", "retry-failed", "1").stdout
        assert "instance 2 of load runs instance 1 again; not run again: first" in said
        up.sees(r"ok +load #2")
        mended.unlink()
        project.run("instances", "rerun", "1", "--from-step", "third")
        up.sees(r"ok +load #3")
    for id in ("2", "3"):
        assert "got 7" in project.run("logs", id).stdout
    assert the_run(project, 3)["rerun_of"] == 1


def test_a_killed_job_ends_and_starts_no_more(project: Project) -> None:
    pid = project.folder / "pid"
    project.job(
        "load", f"trap '' TERM; echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 600", more="onCrash: fail"
    )
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "load")
        until(pid.exists, "it runs")
        project.run("jobs", "kill", "load", "--reason", "wrong rows")
        project.run("instances", "kill", "1")
        up.sees(r"cancelled +load #1")
        assert not is_running(int(pid.read_text()))
        assert '"DISABLED"' in project.run("jobs", "show", "load", "-o", "json").stdout
