"""The main job's figures are those that an independent computation finds in the same file."""

from __future__ import annotations

import csv
import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from weather_figures import EXPECTED, PROJECT, SOURCE, Month, month_from, months_of, read_months

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
