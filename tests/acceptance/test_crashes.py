"""kill -9 at chosen points: no slot lost, none run twice, nothing left behind, and the record says so."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.acceptance.running_daemon import Daemon, Project, is_running, until

STUCK = """
echo $$ > {pid}.new && mv {pid}.new {pid}
sleep 600
"""


def a_stuck_job(project: Project, more: str = "") -> Path:
    """A manual job whose shell writes its pid and then sleeps; the file with the pid."""
    pid = project.folder / "pid"
    project.job("stuck", STUCK.format(pid=pid), more=more)
    return pid


def start_it(project: Project, up: Daemon, pid: Path) -> int:
    up.sees(r"idle|next")
    project.run("jobs", "trigger", "stuck")
    until(pid.exists, "the job runs")
    return int(pid.read_text())


def test_killing_the_daemon_ends_its_children_and_the_next_one_says_crash(project: Project) -> None:
    pid_file = a_stuck_job(project)
    with project.up() as up:
        pid = start_it(project, up, pid_file)
        up.kill()
    until(lambda: not is_running(pid), "the job's process is gone")
    with project.up() as up:
        up.sees(r"recover +stuck #1  FAILED: its process died with the last daemon")
    [instance] = project.rows("SELECT state, reason, crashes FROM job_instances")
    assert (instance["state"], instance["reason"]) == ("FAILED", "crash")
    [session, _] = project.rows("SELECT ended_how FROM sessions ORDER BY id")
    assert session["ended_how"] == "lost"


def test_work_that_can_resume_goes_on_after_a_crash_with_the_same_id(project: Project) -> None:
    pid_file = project.folder / "pid"
    marker = project.folder / "first.done"
    project.declare(
        "stuck.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {{name: stuck}}
        spec:
          enabled: true
          onCrash: resume
          steps:
            - name: first
              shell: echo once >> {marker}
            - name: second
              shell: |
                [ -e {pid_file} ] && exit 0
                echo $$ > {pid_file}.new && mv {pid_file}.new {pid_file}
                sleep 600
        """,
    )
    with project.up() as up:
        start_it(project, up, pid_file)
        up.kill()
    with project.up() as up:
        up.sees(r"recover +stuck #1  again")
        up.sees(r"ok +stuck #1")
    assert marker.read_text() == "once\n", "a completed step is not run again"
    [instance] = project.rows("SELECT state, attempt, epoch, crashes FROM job_instances")
    assert instance == {"state": "SUCCEEDED", "attempt": 1, "epoch": 2, "crashes": 1}


def test_killing_the_child_fails_its_own_instance_only(project: Project) -> None:
    pid_file = a_stuck_job(project)
    project.job("other", "echo fine")
    with project.up() as up:
        start_it(project, up, pid_file)
        [row] = project.until("SELECT pid FROM job_instances WHERE pid IS NOT NULL")
        os.kill(row["pid"], signal.SIGKILL)
        up.sees(r"FAILED +stuck #1")
        project.run("jobs", "trigger", "other")
        up.sees(r"ok +other #2")
    assert not is_running(int(pid_file.read_text()))


def test_killing_the_zygote_fails_what_it_ran_and_the_daemon_goes_on(project: Project) -> None:
    pid_file = a_stuck_job(project)
    project.job("other", "echo fine")
    with project.up() as up:
        pid = start_it(project, up, pid_file)
        [row] = project.until("SELECT pid FROM job_instances WHERE pid IS NOT NULL")
        zygote = int(Path(f"/proc/{row['pid']}/stat").read_text().rpartition(")")[2].split()[1])
        assert zygote != up.pid
        os.kill(zygote, signal.SIGKILL)
        up.sees(r"FAILED +stuck #1")
        project.run("jobs", "trigger", "other")
        up.sees(r"ok +other #2")
        until(lambda: not is_running(pid), "nothing is left of the job")


def test_a_removed_job_that_runs_finishes_first_and_keeps_its_history(project: Project) -> None:
    pid_file = project.folder / "pid"
    go = project.folder / "go"
    path = project.job(
        "stuck",
        f"echo $$ > {pid_file}.new && mv {pid_file}.new {pid_file}\nuntil [ -e {go} ]; do sleep 0.02; done",
    )
    project.job("other", "true")
    with project.up() as up:
        start_it(project, up, pid_file)
        path.unlink()
        up.sees(r"Job/stuck.*1 run.*active")
        project.until("SELECT kind FROM holds WHERE kind = 'removed'")
        go.touch()
        up.sees(r"ok +stuck #1")
        up.sees(r"removed +Job/stuck")
    assert "SUCCEEDED" in project.run("instances", "list", "-o", "json").stdout
    project.run("db", "check")
