"""A full disk under a running daemon: it says so, loses nothing, and goes on when there is room."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.acceptance.running_daemon import Project


@pytest.fixture
def small_disk(project: Project) -> Iterator[Project]:
    """The project with its state directory on a disk of 6 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    project.state.mkdir(mode=0o700)
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", str(project.state)], check=True
    )
    try:
        yield project
    finally:
        subprocess.run(["umount", "--lazy", str(project.state)], check=True)


def fill(project: Project) -> None:
    with (project.state / "ballast").open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def test_a_full_disk_is_told_and_nothing_is_lost_or_half_written(small_disk: Project) -> None:
    project = small_disk
    project.job("tick", "true", schedule="{every: 1s}", more="missed: {policy: all, maxRuns: 100}")
    with project.up() as up:
        up.sees(r"ok +tick")
        fill(project)
        said = up.sees(r"error while .*(full|space)")
        assert str(project.state) in said
        (project.state / "ballast").unlink()
        up.sees(r"ok +tick")
        up.sees(r"ok +tick")
    project.run("db", "check")
    # Waiting, put back by the stop (eviction) or skipped for overlap with a run that was caught up: decided.
    stuck = project.rows(
        "SELECT id, state, reason FROM job_instances "
        "WHERE state IN ('RUNNING', 'PAUSING', 'STOPPING', 'UNKNOWN') "
        "OR (state = 'PAUSED' AND reason <> 'eviction')"
    )
    assert stuck == []
    slots = project.rows(
        "SELECT slot_key, count(*) AS n FROM job_instances GROUP BY slot_key HAVING count(*) > 1"
    )
    assert slots == []
    times = [row["slot_at"] for row in project.rows("SELECT slot_at FROM slots ORDER BY slot_at")]
    seconds = [int(t[14:16]) * 60 + int(t[17:19]) for t in times]
    gaps = [(b - a) % 3600 for a, b in itertools.pairwise(seconds)]
    assert set(gaps) <= {1}, "every second has its slot, those of the full time too"
