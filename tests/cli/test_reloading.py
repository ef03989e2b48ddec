"""A reload in a process of its own, and what is told when it comes to nothing."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.cli import reloading
from runner.cli.options import Where
from runner.cli.views.announcer import Announcer
from runner.daemon.reloader import Reloaded, note
from runner.operations.last_reload import last_reload
from runner.store.open import open_store
from runner.vocabulary.errors import AppliesNow, Refused, StalePlan, StoreUnavailable

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {name: hello}
spec: {enabled: true, steps: [{name: say, shell: echo}]}
"""


@pytest.fixture
def where(tmp_path: Path) -> Where:
    (tmp_path / "jobs.d").mkdir()
    (tmp_path / "jobs.d" / "hello.yaml").write_text(JOB)
    return Where(tmp_path, tmp_path / ".runner" / "runner.db")


def reload(where: Where) -> Reloaded:
    return reloading.reload_apart(where.project / "jobs.d", where, colour=False, allow_delete=None)


def test_a_ctrl_c_does_not_reach_the_loader(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to every process of the terminal's group; the daemon decides what it means."""
    loader = tmp_path / "loader"
    answer = "import json, os; print(json.dumps({'ok': True, 'text': str(os.getpgrp()), 'diagnostics': []}))"
    loader.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{answer}"\n')
    loader.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(loader))
    outcome = reload(where)
    assert outcome.ok and outcome.text != str(os.getpgrp())


def told(outcome: Reloaded) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    Announcer(lambda: datetime(2026, 11, 21, tzinfo=UTC), out, err).reloaded(outcome, first=False)
    return out.getvalue(), err.getvalue()


def test_invalid_files_are_to_be_mended(where: Where) -> None:
    (where.project / "jobs.d" / "hello.yaml").write_text(JOB.replace("shell", "shel"))
    outcome = reload(where)
    assert (outcome.ok, outcome.cause) == (False, "invalid")
    out, err = told(outcome)
    assert "INVALID" in out and "mend the files" in out
    assert "jobs.d/hello.yaml:4" in err


def test_a_guard_refuses_and_is_not_called_an_error_of_the_files(where: Where) -> None:
    assert reload(where).ok
    (where.project / "jobs.d" / "hello.yaml").write_text(JOB.replace("hello", "other"))
    outcome = reload(where)
    assert (outcome.ok, outcome.cause) == (False, "refused")
    assert "REFUSED" in told(outcome)[0]


def test_a_reload_ends_with_the_daemon_that_asked_for_it(where: Where) -> None:
    open_store(where.database, create=True).close()
    order = {"root": str(where.project / "jobs.d"), "project": str(where.project)}
    order |= {"database": str(where.database), "colour": False, "allow_delete": None, "git": None}
    daemon = (
        "import json, os, subprocess, sys\n"
        "order = json.dumps({**json.loads(sys.argv[1]), 'daemon': os.getpid()})\n"
        "child = subprocess.Popen([sys.executable, '-P', '-m', 'runner.cli.reloading', order])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()\n"
    )
    with contextlib.closing(sqlite3.connect(where.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # the reload waits for its turn
        with subprocess.Popen(
            [sys.executable, "-P", "-c", daemon, json.dumps(order)], stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            child = os.pidfd_open(int(parent.stdout.readline()))
            os.kill(parent.pid, signal.SIGKILL)
        assert select.select([child], [], [], 20)[0], "it waits on for the database"
        os.close(child)


def test_an_error_of_the_program_is_not_called_an_error_of_the_files(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = b"Traceback (most recent call last):\n  File \"x.py\", line 3\nKeyError: 'spec'\n"
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, b"", said)
    )
    outcome = reload(where)
    assert (outcome.ok, outcome.cause) == (False, "trouble")
    assert outcome.text == "the loader ended with exit code 1: KeyError: 'spec'"
    out, err = told(outcome)
    assert "TROUBLE" in out and "the files are not to blame" in out and "INVALID" not in out
    assert 'File "x.py", line 3' in err
    note(where.project, outcome)
    last = last_reload(where.project)
    assert last is not None
    assert last.text == "the last reload failed: the loader ended with exit code 1: KeyError: 'spec'"


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (AppliesNow("ana applies"), "trouble"),
        (StalePlan("another apply was faster, three times"), "trouble"),
        (StoreUnavailable("the disk is full"), "trouble"),
        (Refused("more would be deleted than may be"), "refused"),
    ],
)
def test_what_passes_by_itself_is_no_refusal_that_waits_for_a_person(
    problem: Exception,
    cause: str,
    where: Where,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise problem

    monkeypatch.setattr(reloading, "_reload", refuses)
    paths = {"root": str(where.project), "project": str(where.project), "database": str(where.database)}
    reloading.main({**paths, "git": None, "colour": False, "allow_delete": None})
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["cause"], told["text"]) == (False, cause, str(problem))


def test_what_is_invalid_is_left_as_it_was_and_said_when_the_installation_wants_it_so(where: Where) -> None:
    settings = (
        "apiVersion: jobs.runner/v1\nkind: Runner\nmetadata: {name: settings}\nspec: {onInvalid: isolate}\n"
    )
    (where.project / "jobs.d" / "settings.yaml").write_text(settings)
    assert reload(where).ok
    (where.project / "jobs.d" / "hello.yaml").write_text(JOB.replace("spec:", "spce:"))
    (where.project / "jobs.d" / "other.yaml").write_text(JOB.replace("hello", "other"))
    outcome = reload(where)
    assert (outcome.ok, outcome.cause, outcome.changed) == (False, "partial", True)
    assert outcome.text == "applied in part (1 install, 1 enable); left as they are: Job/hello"
    out, err = told(outcome)
    assert "error[unknown-field]" in err and "PARTIAL" in out + err
    note(where.state, outcome)
    last = last_reload(where.state)
    assert last is not None and last.text.startswith("the last reload was not whole: applied in part")
    (where.project / "jobs.d" / "hello.yaml").write_text(JOB)
    (where.project / "jobs.d" / "new.yaml").write_text("kind: [\n")
    outcome = reload(where)
    assert (outcome.cause, outcome.text) == (
        "partial",
        "applied in part (all else was already); left as they are: jobs.d/new.yaml",
    )
