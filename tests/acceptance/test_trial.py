"""`runner run`: one job in the foreground, and nothing of it is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import PATIENCE_S, Project, is_running, until
from tests.imported_runner import Started, start_runner


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where temporary folders are made."""
    return tmp_path_factory.mktemp("scratch")


def start(project: Project, scratch: Path, *arguments: str) -> Started:
    return start_runner(
        "run",
        *arguments,
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"},
    )


def tried(project: Project, scratch: Path, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error; the temporary folder is empty afterwards."""
    out, err = (process := start(project, scratch, *arguments)).communicate(timeout=PATIENCE_S)
    assert list(scratch.iterdir()) == []
    return process.returncode, out, err


def test_it_shows_the_log_and_ends_with_the_result(project: Project, scratch: Path) -> None:
    project.job("hello", "echo hello there")
    code, out, err = tried(project, scratch, "hello")
    assert (code, err) == (0, "hello: SUCCEEDED\n")
    assert "hello there" in out
    assert not (project.state / "runner.db").exists(), "the installation is not touched"


def test_in_json_it_is_one_run_with_its_outputs_and_the_log_is_beside_it(
    project: Project, scratch: Path
) -> None:
    project.job("hello", "echo hello there; echo rows=3 >> $RUNNER_OUTPUT")
    code, out, err = tried(project, scratch, "hello", "-o", "json")
    shown = json.loads(out)
    (step,) = shown["tasks"][0]["steps"]
    assert (code, shown["state"], step["state"]) == (0, "SUCCEEDED", "COMPLETED")
    assert "hello there" in err
    code, out, _ = tried(project, scratch, "hello", "-o", "json", "--dry-run")
    assert (code, json.loads(out)["job"]) == (0, "hello")


def test_a_failure_is_tried_again_at_once_and_then_says_why(project: Project, scratch: Path) -> None:
    project.job("bad", "echo try; exit 3")
    code, out, err = tried(project, scratch, "bad")
    assert code == 1
    assert out.count("try") == 2
    assert "bad: FAILED: " in err and "exit code 3" in err


def test_a_retry_that_is_due_later_is_not_waited_for(project: Project, scratch: Path) -> None:
    project.job("bad", "exit 3", more="retry: backoff")
    code, _, err = tried(project, scratch, "bad")
    assert code == 1
    assert err.startswith("bad: SCHEDULED: ")


def test_a_sleep_that_ends_the_process_is_not_waited_for(project: Project, scratch: Path) -> None:
    project.declare(
        "sleeper.yaml",
        """
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: sleeper}
        spec:
          enabled: true
          code: {source: "def run(job): job.sleep(3600)"}
        """,
    )
    code, _, err = tried(project, scratch, "sleeper")
    assert code == 1
    assert err.startswith("sleeper: SCHEDULED: it sleeps until ")


def test_a_missing_secret_is_told_with_its_place(project: Project, scratch: Path) -> None:
    project.declare(
        "api.yaml",
        """\
        apiVersion: jobs.runner/v1
        kind: Authorization
        metadata: {name: api}
        spec: {config: {token: {from: {env: NO_SUCH_VARIABLE}}}}
        """,
    )
    project.job("needy", "true", more="env: {TOKEN: {authorization: api, key: token}}")
    code, _, err = tried(project, scratch, "needy")
    assert code == 1
    assert "NO_SUCH_VARIABLE" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_all_its_processes_and_leaves_nothing(
    project: Project, scratch: Path, number: int
) -> None:
    pid_file = project.folder / "pid"
    project.job("long", f"sleep 600 & echo $! > {pid_file}.new && mv {pid_file}.new {pid_file}; wait")
    trial = start(project, scratch, "long")
    until(pid_file.exists, "the job runs")
    trial.send_signal(number)
    trial.communicate(timeout=PATIENCE_S)
    assert trial.returncode not in (0, -signal.SIGKILL)
    assert not is_running(int(pid_file.read_text()))
    assert list(scratch.iterdir()) == []


def test_an_interrupt_says_which_step_it_waits_for_and_another_one_ends_that(
    project: Project, scratch: Path
) -> None:
    pid_file = project.folder / "pid"
    path = project.job("long", f"sleep 600 & echo $! > {pid_file}.new && mv {pid_file}.new {pid_file}; wait")
    project.declare(
        "long.yaml", path.read_text().replace("- name: work", "- name: work\n      interruptible: false")
    )
    trial = start(project, scratch, "long")
    until(pid_file.exists, "the job runs")
    trial.send_signal(signal.SIGINT)
    assert trial.stderr is not None
    said = trial.stderr.readline()
    assert said == "Waiting for step work, which is not interruptible; Ctrl-C once more ends it.\n"
    until(lambda: trial.send_signal(signal.SIGINT) or trial.poll() is not None, "it ends")  # as people press
    trial.communicate(timeout=PATIENCE_S)
    assert trial.returncode not in (0, -signal.SIGKILL)
    assert not is_running(int(pid_file.read_text()))
    assert list(scratch.iterdir()) == []
