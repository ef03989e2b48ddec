"""A command that tests fork says and does what the installed program does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import PATIENCE_S, Project
from tests.imported_runner import ForkedRunner, run_runner, start_runner

WAYS = ("forked", "started anew")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "forked":
        monkeypatch.delenv("RUNNER_TESTS_START_ANEW", raising=False)
    else:
        monkeypatch.setenv("RUNNER_TESTS_START_ANEW", "1")
    yield request.param


@pytest.mark.usefixtures("way")
def test_exit_codes_streams_and_the_environment(project: Project) -> None:
    told = run_runner("--version", cwd=project.folder, timeout_s=PATIENCE_S)
    assert (told.returncode, told.stdout.split()[0], told.stderr) == (0, "runner,", "")
    wrong = run_runner("jobs", "lits", cwd=project.folder, timeout_s=PATIENCE_S)
    assert (wrong.returncode, wrong.stdout) == (64, "")
    assert "No such command" in wrong.stderr
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    environment = {**os.environ, "RUNNER_DB": str(project.folder / "named.db")}
    none = run_runner("status", cwd=elsewhere, timeout_s=PATIENCE_S, env=environment)
    assert f"{project.folder}/named.db" in none.stderr


@pytest.mark.usefixtures("way")
def test_what_it_is_given_on_standard_input(project: Project) -> None:
    text = "apiVersion: jobs.runner/v1\nkind: Job\nmetadata: {name: piped}\nspec: {steps: []}\n"
    told = run_runner(
        "validate", "-", cwd=project.folder, timeout_s=PATIENCE_S, input=text, stdin=subprocess.PIPE
    )
    assert told.returncode == 1
    assert "the list is empty" in told.stdout


def test_it_is_a_process_of_its_own_with_its_own_session_and_signals(project: Project, way: str) -> None:
    project.job("hello", "true")
    process = start_runner(
        "up", cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    assert isinstance(process, ForkedRunner) is (way == "forked")
    assert process.stdout is not None
    assert any("idle" in line for line in process.stdout)
    assert os.getsid(process.pid) == process.pid
    assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE_S) == -signal.SIGKILL == process.poll()
    assert not Path(f"/proc/{process.pid}").exists()
    process.stdout.close()
