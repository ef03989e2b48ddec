"""What the daemon asks at every look costs as little after a year as on the first day."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.store.open import open_store

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ASKED: dict[str, Callable[[Any], object]] = {
    "late": lambda reader: reader.instances.late(NOW),
    "overdue": lambda reader: reader.instances.overdue(NOW),
    "next deadline": lambda reader: reader.instances.next_deadline(),
    "waiting": lambda reader: reader.instances.waiting(NOW, 5, [1, 2], ["uid"]),
    "next due": lambda reader: reader.instances.next_due(NOW),
    "live": lambda reader: reader.instances.live(),
    "live counts": lambda reader: reader.instances.live_counts(),
    "open counts": lambda reader: reader.instances.open_counts(),
    "counts": lambda reader: reader.instances.counts(),
    "holders": lambda reader: reader.instances.holders(),
    "waiting for locks": lambda reader: reader.instances.waiting_for_locks(NOW),
    "open of a job": lambda reader: reader.instances.open_of("uid"),
    "open states of a job": lambda reader: reader.instances.open_states("uid"),
    "in the way of a start": lambda reader: reader.instances.in_the_way("uid", NOW),
    "unfinished of a job": lambda reader: reader.instances.unfinished_of("uid"),
    "running ones": lambda reader: reader.instances.list(states=["RUNNING"]),
    "running ones of a job": lambda reader: reader.instances.list(job_uid="uid", states=["RUNNING"]),
    "external": lambda reader: reader.external.live(),
    "items that runs were given": lambda reader: reader.arrivals.given(),
    "items of a trigger that runs were given": lambda reader: reader.arrivals.given(("uid", "default")),
    "items to move": lambda reader: reader.arrivals.moving(),
    "items by their states": lambda reader: reader.arrivals.counts(),
    "copies in use": lambda reader: reader.revisions.blobs_in_use(),
}
BY_DEADLINE = ("instances_to_begin", "instances_to_expire", "instances_forced")
UNFINISHED = (
    "instances_unfinished",
    "instances_waiting",
    "instances_begun",
    "instances_with_locks",
    *BY_DEADLINE,
)
TABLES = ("job_instances", "i", "arrivals", "a")


def steps_of(question: str, folder: Path) -> list[str]:
    """How SQLite looks at the tables of runs and items to answer it."""
    store = open_store(folder / "runner.db", create=True)
    said: list[str] = []
    with store.read() as reader:
        connection: sqlite3.Connection = reader.connection  # type: ignore[attr-defined]
        connection.set_trace_callback(said.append)
        ASKED[question](reader)
        connection.set_trace_callback(None)
        plans = [connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall() for query in said]
    store.close()
    return [step[-1] for plan in plans for step in plan if step[-1].split()[1] in TABLES]


@pytest.mark.parametrize("question", ASKED)
def test_what_is_asked_of_unfinished_runs_and_open_items_does_not_walk_over_what_has_ended(
    question: str, tmp_path: Path
) -> None:
    steps = steps_of(question, tmp_path)
    assert steps
    by_their_number = "USING INTEGER PRIMARY KEY"
    indexes = (*UNFINISHED, "arrivals_open", "arrivals_failed", by_their_number)
    assert [step for step in steps if not any(index in step for index in indexes)] == []


@pytest.mark.parametrize("question", ["late", "overdue", "next deadline"])
def test_what_is_asked_of_deadlines_does_not_walk_over_what_waits_without_one(
    question: str, tmp_path: Path
) -> None:
    steps = steps_of(question, tmp_path)
    indexes = (*BY_DEADLINE, "USING INTEGER PRIMARY KEY (rowid=?)")
    assert [step for step in steps if not any(index in step for index in indexes)] == []
