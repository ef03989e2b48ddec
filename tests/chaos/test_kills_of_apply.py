"""kill -9 at every write of an apply, one after the other: before or after, never between.

strace ends the command at the n-th call of one kind, for every kind of call that changes a file and every n
that an undisturbed apply gets to. Needs a machine on which a process may be traced.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.operations.check_database import check_database
from runner.operations.plan import make_plan_for
from runner.store.open import open_store
from tests.acceptance.running_daemon import Project
from tests.imported_runner import RUNNER

WRITES = (
    "write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,"
    "unlinkat,mkdir,mkdirat,rmdir,fchmod,chmod"
)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TRACED = shutil.which("strace") is not None

APPLY = (RUNNER, "apply", "--auto-approve")


def a_project(folder: Path) -> Project:
    """Installed with four objects; declared now: one new with a file, one changed, one gone, one off."""
    project = Project(folder)
    for name in ("stays", "changes", "goes", "ends"):
        project.job(name, "true", schedule='"0 2 * * *"')
    project.run("reconcile", "--create")
    project.job("changes", "echo changed", schedule='"0 3 * * *"')
    (folder / "jobs.d" / "goes.yaml").unlink()
    off = folder / "jobs.d" / "ends.yaml"
    off.write_text(off.read_text().replace("enabled: true", "enabled: false"))
    (folder / "jobs.d" / "code.py").write_text("def main():\n    return {}\n")
    project.declare(
        "comes.yaml",
        """\
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: comes}
        spec:
          enabled: true
          steps:
            - name: work
              python: {file: code.py, function: main}
        """,
    )
    return project


def plan_digest(folder: Path) -> str:
    """What is still to be done there; empty when that is nothing."""
    store = open_store(folder / ".runner" / "runner.db", read_only=True)
    try:
        plan = make_plan_for(None, folder, store, NOW, commit=False).plan
    finally:
        store.close()
    return "" if plan.is_empty else plan.digest


def calls_of(folder: Path) -> collections.Counter[str]:
    """How many calls of each kind one thread of an undisturbed apply makes at most."""
    trace = folder / "trace"
    subprocess.run(
        ["strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={WRITES}", *APPLY],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    by_thread: collections.Counter[tuple[str, str]] = collections.Counter()
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found:
            by_thread[found[1], found[2]] += 1
    most: collections.Counter[str] = collections.Counter()
    for (_, call), count in by_thread.items():
        most[call] = max(most[call], count)
    trace.unlink()
    return most


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not TRACED, reason="needs strace, and a machine on which a process may be traced")
def test_an_apply_that_is_killed_at_any_write_has_done_all_or_nothing(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    a_project(origin)
    before = plan_digest(origin)
    assert before
    undisturbed = shutil.copytree(origin, tmp_path / "undisturbed")
    calls = calls_of(undisturbed)
    assert plan_digest(undisturbed) == ""
    outcomes: collections.Counter[str] = collections.Counter()
    for call, count in sorted(calls.items()):
        for number in range(1, count + 1):
            folder = shutil.copytree(origin, tmp_path / "killed")
            inject = f"inject={call}:signal=SIGKILL:when={number}"
            ended = subprocess.run(
                ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject, *APPLY],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            where = f"killed at {call} {number}: {ended.stdout}{ended.stderr}"
            found = plan_digest(folder)
            assert found in (before, ""), where
            outcomes["before" if found else "after"] += 1
            checked = check_database(folder / ".runner" / "runner.db")
            assert checked.ok, f"{where}\n{checked.checks}"
            again = subprocess.run(APPLY, cwd=folder, capture_output=True, text=True, check=False)
            assert again.returncode == 0, f"{where}\nand then: {again.stdout}{again.stderr}"
            assert plan_digest(folder) == "", where
            shutil.rmtree(folder)
    print(f"applies killed: {outcomes.total()}, {dict(outcomes)}")
    assert outcomes["before"] and outcomes["after"]


def serial_of(folder: Path) -> int:
    store = open_store(folder / ".runner" / "runner.db", read_only=True)
    try:
        with store.read() as reader:
            return reader.serial()
    finally:
        store.close()


def test_of_two_applies_at_once_one_does_it_and_the_other_says_so(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    serial = serial_of(tmp_path)
    both = [project.start("apply", "--auto-approve") for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 3]), said
    assert sum("Applied:" in text for text in said) == 1, said
    assert (serial_of(tmp_path), plan_digest(tmp_path)) == (serial + 1, "")


def test_a_daemon_that_starts_amid_an_apply_finds_all_of_it_or_does_it(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    apply = project.start("apply", "--auto-approve")
    with project.up() as up:
        up.sees(r"idle|next")
        said = apply.communicate(timeout=60)[0]
        assert apply.returncode in (0, 3), said
        project.until("SELECT 1 FROM objects WHERE name = 'comes' AND removed_at IS NULL")
    assert plan_digest(tmp_path) == ""


def test_applies_during_hot_reloads_do_each_change_once(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    with project.up() as up:
        up.sees(r"idle|next")
        for round_ in range(3):
            for name in ("stays", "changes"):
                project.job(name, f"echo {round_}", schedule='"0 4 * * *"')
            applies = [project.start("reconcile") for _ in range(2)]
            for process in applies:
                said = process.communicate(timeout=60)[0]
                assert process.returncode in (0, 3), said
            assert plan_digest(tmp_path) == ""
        up.process.terminate()
        up.sees(r"stopped")
        assert not [line for line in up.lines if " TROUBLE" in line or " INVALID" in line], up.text()
    assert project.run("history", "--verify").stdout.startswith("All ")
    assert len(json.loads(project.run("history", "Job/stays", "-o", "json").stdout)) == 4
    serials = [row["serial"] for row in project.rows("SELECT serial FROM applies ORDER BY serial")]
    assert serials == list(range(1, len(serials) + 1))
    assert check_database(tmp_path / ".runner" / "runner.db").ok
