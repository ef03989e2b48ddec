"""The main job's figures are those that an independent computation finds in the same file."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import PATIENCE_S, Daemon, Project
from tests.acceptance.weather_figures import (
    EXPECTED,
    PROJECT,
    SOURCE,
    Month,
    month_from,
    months_of,
    read_months,
)
from tests.imported_runner import run_runner

SQL = PROJECT / "jobs.d" / "weather"


def months_in(database: Path) -> list[Month]:
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM weather_by_month ORDER BY month").fetchall()
    return [month_from(dict(row)) for row in rows]


def test_the_committed_figures_are_those_of_the_file() -> None:
    assert read_months(EXPECTED) == months_of()
    assert len(months_of()) == 48


def test_the_file_is_the_one_whose_source_and_licence_are_stated() -> None:
    stated = re.search(r"SHA-256:\*\* `([0-9a-f]{64})`", SOURCE.with_name("SOURCE.md").read_text())
    assert stated is not None
    assert hashlib.sha256(SOURCE.read_bytes()).hexdigest() == stated[1]


def test_the_jobs_statements_give_the_committed_figures(tmp_path: Path) -> None:
    database = tmp_path / "weather.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript((SQL / "tables.sql").read_text())
        with SOURCE.open(newline="") as file:
            rows = csv.reader(file)
            next(rows)
            connection.executemany("INSERT INTO weather_by_day VALUES (?, ?, ?, ?, ?, ?)", rows)
        for _ in range(2):  # the second run replaces what the first one wrote
            connection.executescript((SQL / "summarise.sql").read_text())
        connection.commit()
    assert months_in(database) == read_months(EXPECTED)


@pytest.fixture
def main_jobs(tmp_path: Path) -> Project:
    for folder in ("jobs.d", "data"):
        shutil.copytree(
            PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.db*", "exports", ".runner")
        )
    return Project(tmp_path)


def test_the_tables_and_exports_of_the_main_job_have_these_figures(main_jobs: Project) -> None:
    for file in (main_jobs.folder / "jobs.d").rglob("*.yaml"):
        file.write_text(re.sub(r"\n +schedule: .*", "", file.read_text()))
    with main_jobs.up() as daemon:
        daemon.sees("idle")
        for job in (*IN_ORDER, *sorted(AT_ANY_TIME)):
            main_jobs.run("jobs", "trigger", job, "--wait")
    assert_figures(main_jobs)


@pytest.mark.long  # its times are up to half a minute away
def test_the_main_job_runs_within_a_minute_at_its_own_times(main_jobs: Project) -> None:
    with main_jobs.up() as daemon:
        wait_for_ends(daemon, IN_ORDER, AT_ANY_TIME)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert_figures(main_jobs)


def assert_figures(project: Project) -> None:
    """What the jobs left, and that each of them succeeded."""
    tmp_path = project.folder
    assert months_in(tmp_path / "data" / "weather.db") == read_months(EXPECTED)
    exports = sorted((tmp_path / "data" / "exports").glob("*.csv"))
    assert exports
    assert all(read_months(export) == read_months(EXPECTED) for export in exports)
    runs = json.loads(project.run("instances", "list", "-o", "json").stdout)
    assert {run["job"] for run in runs if run["state"] == "SUCCEEDED"} == {*IN_ORDER, *AT_ANY_TIME}
    assert [run for run in runs if run["state"] == "FAILED"] == []


IN_ORDER = ("import-weather", "summarise-weather", "export-summary")
AT_ANY_TIME = {"clean-exports", "prune-history"}


def wait_for_ends(daemon: Daemon, in_order: Sequence[str], at_any_time: set[str]) -> None:
    """Until the jobs have succeeded, those of `in_order` one after the other."""
    ordered, any_time = list(in_order), set(at_any_time)
    while ordered or any_time:
        _, _, job, *_ = daemon.sees(r"^\S+ +ok ").split()
        any_time.discard(job)
        if ordered and job == ordered[0]:
            ordered.pop(0)


def test_a_summary_before_the_first_import_sums_up_nothing(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "jobs.d", tmp_path / "jobs.d")
    (tmp_path / "data").mkdir()
    tried = run_runner("run", "summarise-weather", cwd=tmp_path, timeout_s=PATIENCE_S)
    assert tried.returncode == 0, tried.stderr
    assert "months=0" not in tried.stdout + tried.stderr
    assert not months_in(tmp_path / "data" / "weather.db")
