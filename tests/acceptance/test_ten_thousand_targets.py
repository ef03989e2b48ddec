"""Ten thousand targets: a daemon is killed in their midst, and the memory stays what is promised."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Daemon, Project

TARGETS = 10_000
MOST_MIB = 250


def peak_mib(daemon: Daemon) -> float:
    lines = Path(f"/proc/{daemon.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


@pytest.fixture
def fleet(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.declare(
        "fleet.yaml",
        """\
        apiVersion: jobs.runner/v1
        kind: Inventory
        metadata: {name: fleet}
        spec: {file: fleet.csv}
        ---
        apiVersion: jobs.runner/v1
        kind: Job
        metadata: {name: visit}
        spec:
          enabled: true
          tasks: {inventory: fleet, where: target.site == 'north', parallel: 4}
          steps:
            - {name: visit, python: {source: pass}}
        """,
    )
    rows = (f"device-{n:05},north,10.0.{n // 250}.{n % 250}" for n in range(TARGETS))
    (tmp_path / "jobs.d" / "fleet.csv").write_text("\n".join(["name,site,address", *rows]) + "\n")
    return project


def test_ten_thousand_targets_outlive_their_daemon_in_little_memory(fleet: Project) -> None:
    ended = "SELECT targets_ended AS n FROM job_instances WHERE targets_ended >= ?"
    with fleet.up() as first:
        first.sees("idle")
        fleet.run("jobs", "trigger", "visit")
        fleet.until(ended, 200)
        assert peak_mib(first) < MOST_MIB
        os.kill(first.pid, signal.SIGKILL)
        first.process.wait()
    (before,) = fleet.rows("SELECT count(*) AS n FROM tasks WHERE state = 'SUCCEEDED'")
    with fleet.up() as second:
        second.sees("recover")
        fleet.until(ended, before["n"] + 200)
        shown = fleet.run("instances", "show", "1", "--state", "SCHEDULED", "-n", "3").stdout
        assert "targets 1 to 3 of " in shown
        fleet.run("instances", "cancel", "1")
        fleet.until("SELECT id FROM job_instances WHERE state = 'CANCELLED'")
        assert peak_mib(second) < MOST_MIB
    states = fleet.rows("SELECT state, count(*) AS n, max(attempt) AS tries FROM tasks GROUP BY state")
    assert {row["state"] for row in states} == {"CANCELLED", "SUCCEEDED"}
    assert sum(row["n"] for row in states) == TARGETS
    again = fleet.rows("SELECT target FROM tasks WHERE attempt > 1")
    assert len(again) <= 4  # those that ran when the daemon was killed
    assert fleet.run("db", "check").returncode == 0
