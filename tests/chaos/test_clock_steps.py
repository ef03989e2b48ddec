"""The clock is put forward and back under a running daemon: no slot comes twice, and none is lost unseen."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import PATIENCE_S, Project, until

PROGRAM = Path(__file__).with_name("stepped.py")


@contextmanager
def stepped_daemon(project: Project) -> Iterator[Path]:
    """`runner up` with a clock that `put` steps; the file with what it says."""
    said = project.folder / "said"
    with said.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "up"], cwd=project.folder, stdout=out, stderr=out
        )
        try:
            yield said
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()
            process.wait(PATIENCE_S)


def put(project: Project, seconds: int) -> None:
    """The wall clock is so many seconds off from now on."""
    new = project.folder / "clock.new"
    new.write_text(str(seconds))
    new.replace(project.folder / "clock")


def decided(project: Project) -> list[str]:
    return [row["slot_at"] for row in project.rows("SELECT slot_at FROM slots ORDER BY slot_at")]


@pytest.mark.long  # the clocks are compared every ten seconds
def test_a_clock_that_is_put_forward_and_back_repeats_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    missed = "missed: {policy: all, maxAge: 24h, maxRuns: 3}"
    project.job("ticks", "true", schedule="{every: 1s}", more=missed)
    project.job("by-hand", "true")
    with stepped_daemon(project) as said:
        until(lambda: (project.state / "runner.db").exists() and "ticks" in said.read_text(), "it is up")
        project.until("SELECT 1 FROM slots WHERE decision = 'instance'")
        put(project, 3600)
        an_hour_on = "slot_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+59 minutes')"
        project.until(f"SELECT 1 FROM job_instances WHERE {an_hour_on} AND state = 'SUCCEEDED'")
        until(lambda: "put forward by 1h" in said.read_text(), "it says so")
        skipped = project.rows("SELECT sum(count) AS n FROM slots WHERE decision = 'skipped'")[0]["n"]
        assert skipped > 3500, "what was missed is in the ledger"

        put(project, 0)
        until(lambda: "put back by 1h" in said.read_text(), "it says so")
        before = decided(project)
        assert "SUCCEEDED" in project.run("jobs", "trigger", "by-hand", "--wait", "-o", "json").stdout
        assert decided(project) == before, "the hour that comes again has had its starts"

        put(project, 3600 + 120)
        project.until("SELECT 1 FROM slots WHERE slot_at > ?", before[-1])
    twice = project.rows("SELECT slot_key FROM job_instances GROUP BY job_uid, slot_key HAVING count(*) > 1")
    assert twice == []
    begun = project.rows("SELECT count(*) AS n FROM events WHERE row = 'I4' GROUP BY instance_id")
    assert {row["n"] for row in begun} == {1}
    assert not re.search(r"Traceback|trouble", said.read_text())
    project.run("db", "check")
