"""What was applied cannot be changed afterwards without being noticed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from store_builders import later

from runner.store.applies import ApplyRecord
from runner.store.open import open_store
from runner.store.sqlite.applies import broken_links

APPLY = ApplyRecord(
    serial=1,
    at=later(1),
    who="ana",
    verb="apply",
    approval="asked",
    source="jobs.d",
    commit=None,
    branch=None,
    dirty=False,
    plan_digest="sha256:1",
)


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    path = tmp_path / "state" / "runner.db"
    store = open_store(path, create=True)
    for serial in (1, 2, 3):
        store.transact(lambda tx, serial=serial: tx.applies.add(replace(APPLY, serial=serial)))  # type: ignore[misc]
    store.close()
    return sqlite3.connect(path, isolation_level=None)


@pytest.mark.parametrize("statement", ["UPDATE applies SET who = 'ben'", "DELETE FROM applies"])
def test_the_database_itself_refuses(connection: sqlite3.Connection, statement: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="what was applied is never"):
        connection.execute(statement)
    assert broken_links(connection) == []


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE applies SET who = 'ben' WHERE serial = 2", [2]),
        ("DELETE FROM applies WHERE serial = 2", [3]),
        ("UPDATE applies SET changes = '[{}]' WHERE serial = 3", [3]),
    ],
)
def test_who_goes_around_it_breaks_the_chain(
    connection: sqlite3.Connection, statement: str, broken: list[int]
) -> None:
    for trigger in ("applies_are_never_changed", "applies_are_never_deleted"):
        connection.execute(f"DROP TRIGGER {trigger}")
    connection.execute(statement)

    assert broken_links(connection) == broken
