"""The daemon as a process: what is declared runs, is recorded, and stops cleanly."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Project, a_free_port, is_running, until


def test_a_declared_job_is_installed_enabled_run_and_recorded(project: Project) -> None:
    project.job("hello", 'echo "hello from $RUNNER_JOB"', schedule="{every: 1s}")
    with project.up() as up:
        up.sees(r"\+ install +Job/hello +jobs.d/hello.yaml:1")
        up.sees(r"> enable +Job/hello")
        up.sees(r"start +hello #1  slot \d\d:\d\d:\d\d")
        up.sees(r"ok +hello #1  slot .* \d\.\d\ds")
        up.signal(signal.SIGTERM)
        assert up.wait() == 0
    assert "stopped" in up.lines[-1] and "succeeded" in up.lines[-1]
    [first] = project.rows("SELECT * FROM job_instances WHERE id = 1")
    assert (first["state"], first["attempt"], first["epoch"]) == ("SUCCEEDED", 1, 1)
    [step] = project.rows("SELECT * FROM steps WHERE instance_id = 1")
    assert (step["name"], step["state"]) == ("work", "COMPLETED")
    assert "hello from hello" in project.run("logs", "1").stdout
    assert "hello from hello" in project.run("logs", "hello").stdout


def test_every_slot_has_exactly_one_instance_whatever_the_restarts(project: Project) -> None:
    project.job("tick", "true", schedule="{every: 1s}", more="missed: {policy: all, maxRuns: 100}")
    for _ in range(3):
        with project.up() as up:
            up.sees(r"ok +tick")
            up.kill()
    with project.up() as up:
        up.sees(r"ok +tick")
        up.sees(r"ok +tick")
    slots = project.rows("SELECT slot_key, count(*) AS n FROM job_instances GROUP BY slot_key")
    assert all(slot["n"] == 1 for slot in slots)
    keys = sorted(slot["slot_key"] for slot in slots)
    decided = project.rows("SELECT slot_key FROM slots ORDER BY slot_key")
    assert [row["slot_key"] for row in decided] == keys


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(project: Project) -> None:
    project.job("hello", "true")
    with project.up() as up:
        up.sees(r"idle|next")
        second = project.run("up", check=3)
        assert f"pid {up.pid}" in second.stderr


def test_what_a_command_applies_holds_for_the_daemon_that_runs(project: Project) -> None:
    """Its limit, its listener and its sources are those that are installed, whoever has installed them."""
    project.job("slow", "until [ -e ../../go ]; do sleep 0.05; done", more="concurrency: {policy: allow}")
    port = a_free_port()
    with project.up("--no-watch") as up:
        up.sees(r"idle|next")
        project.declare(
            "runner.yaml",
            f"""\
            apiVersion: jobs.runner/v1
            kind: Runner
            metadata: {{name: runner}}
            spec: {{parallel: 1, web: {{port: {port}}}}}
            """,
        )
        project.run("apply", "--auto-approve")
        up.sees(f"listen +http://127.0.0.1:{port}")
        for _ in range(2):
            project.run("jobs", "trigger", "slow")
        up.sees("start +slow #1")
        (project.state / "go").touch()
        up.sees("ok +slow #1")
        up.sees("start +slow #2")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_a_terminal_that_is_gone_let_work_end_within_the_grace(
    project: Project, number: signal.Signals
) -> None:
    project.job("slow", "touch begun; until [ -e ../../go ]; do sleep 0.05; done; echo finished")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "slow")
        up.sees(r"start +slow #1")
        up.signal(number)
        up.sees(rf"stopping +{number.name}: .*1 running")
        if number == signal.SIGHUP:  # the shell tells of it, and then the kernel does
            up.signal(number)
        (project.state / "go").touch()
        assert up.wait() == 0
    [instance] = project.rows("SELECT state FROM job_instances")
    assert instance["state"] == "SUCCEEDED"


def test_a_stop_while_the_declarations_are_read_is_one(project: Project) -> None:
    project.job("hello", "true")
    subprocess.run(["git", "init", "-q", "."], cwd=project.folder, check=True)
    (project.folder / ".git" / "index.lock").touch()  # it waits for two seconds for that
    with project.up() as up:
        until((project.state / "runner.db").exists, "it has begun")
        up.signal(signal.SIGTERM)
        up.sees(r"Stopped by SIGTERM, before anything was started|stopped +SIGTERM")
        assert up.wait() == 0


@pytest.mark.long  # the grace is ten seconds
def test_work_that_outlasts_the_grace_is_stopped_with_all_its_processes(project: Project) -> None:
    pid_file = project.folder / "pid"
    project.job("stuck", f"trap '' TERM\n(setsid sleep 600 & echo $! > {pid_file})\nsleep 600")
    with project.up("--grace", "0s") as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "stuck")
        until(lambda: pid_file.exists() and bool(pid_file.read_text().strip()), "the grandchild runs")
        up.signal(signal.SIGTERM)
        assert up.wait() == 0
    assert not is_running(int(pid_file.read_text()))
    [instance] = project.rows("SELECT state, reason FROM job_instances")
    assert (instance["state"], instance["reason"]) == ("FAILED", "shutdown")


def test_a_cancelled_run_ends_and_says_so(project: Project) -> None:
    project.job("long", "sleep 600")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "long")
        up.sees(r"start +long #1")
        project.run("instances", "cancel", "1")
        up.sees(r"cancelled +long #1")
    assert project.rows("SELECT state FROM job_instances") == [{"state": "CANCELLED"}]


def test_a_failing_job_is_tried_again_and_then_held(project: Project) -> None:
    project.job("bad", "echo broken >&2; exit 3", schedule="{every: 1s}", more="failAfter: 2")
    with project.up() as up:
        up.sees(r"again +bad #1 .*exit")
        up.sees(r"FAILED +bad #1")
        up.sees(r"HELD +bad starts no more; .*runner jobs reset bad")
    show = project.run("jobs", "list", "-o", "json").stdout
    assert '"FAILED"' in show
    assert project.run("status", check=1).stdout


def test_a_secret_that_is_missing_fails_the_run_with_its_place_and_not_its_value(project: Project) -> None:
    project.declare(
        "secret.yaml",
        """\
        apiVersion: jobs.runner/v1
        kind: Authorization
        metadata: {name: api}
        spec: {config: {token: {from: {env: NO_SUCH_VARIABLE}}}}
        """,
    )
    project.job("needy", "true", more="env: {TOKEN: {authorization: api, key: token}}")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "needy")
        up.sees(r"FAILED +needy #1 .*api.*NO_SUCH_VARIABLE")


def test_a_daemon_starts_from_its_database_when_the_files_are_gone(project: Project) -> None:
    path = project.job("hello", "true", schedule="{every: 1s}")
    with project.up() as up:
        up.sees(r"ok +hello")
    _move(path.parent, project.folder / "elsewhere")
    with project.up() as up:
        up.sees(r"missing-path|No such file")
        up.sees(r"INVALID .*going on with what is installed")
        up.sees(r"ok +hello")


def test_without_files_and_without_a_database_there_is_nothing_to_run(project: Project) -> None:
    result = project.run("up", check=1)
    assert "runner init" in result.stderr
    assert not project.state.exists()


def test_a_state_directory_that_others_may_write_is_refused(project: Project) -> None:
    project.job("hello", "true")
    project.state.mkdir()
    project.state.chmod(0o777)
    result = project.run("up", check=3)
    assert "chmod 700" in result.stderr


def _move(path: Path, to: Path) -> None:
    path.rename(to)


def test_a_working_directory_is_private_and_goes_unless_it_is_to_be_kept(project: Project) -> None:
    project.job("kept", "echo for later > note; stat -c %a . ", more="keepWorkdir: true")
    project.job("gone", "echo for now > note; pwd")
    with project.up() as up:
        up.sees(r"idle")
        project.run("jobs", "trigger", "kept")
        up.sees(r"ok +kept #1")
        project.run("jobs", "trigger", "gone")
        up.sees(r"ok +gone #2")
    assert (project.state / "work" / "1" / "note").read_text() == "for later\n"
    assert "700" in project.run("logs", "1").stdout
    used = project.run("logs", "2").stdout.split("|")[1].strip()
    assert not (Path(used) / "note").exists()
