"""Bring a database to the tables that this program knows; any number of processes may try at once."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from runner.store.sqlite.backup import copy_database
from runner.store.sqlite.connection import BUSY_TIMEOUT_S, connect
from runner.store.sqlite.failures import sentence_for
from runner.store.sqlite.version import APPLICATION_ID, SCHEMA_VERSION
from runner.store.sqlite.without_numpy import without_numpy
from runner.vocabulary.instants import to_text


def create_file(path: Path) -> None:
    """An empty file that only this user may read; its -wal and -shm inherit the mode from it."""
    if not path.parent.is_dir():
        path.parent.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.parent.mkdir(mode=0o700)
        except FileExistsError:
            pass
        else:
            path.parent.chmod(0o700)  # whatever the umask
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def migrate(path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> tuple[str, ...]:
    """The names of the migrations that were applied here; StoreUnavailable in one sentence when it fails.

    An existing database is copied into `backups` beside it first.
    """
    try:
        connection = connect(path, writing=True, busy_timeout_s=busy_timeout_s)
        try:
            _use_write_ahead_log(connection, busy_timeout_s)
            return _apply(connection, path)
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as problem:
        raise sentence_for(path, problem) or problem from problem


def _apply(connection: sqlite3.Connection, path: Path) -> tuple[str, ...]:
    with without_numpy():
        from sqlite_utils import Database

        from runner.store.sqlite.migrations import migrations

    connection.execute("PRAGMA foreign_keys = OFF")  # a transform drops and renames tables
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version >= SCHEMA_VERSION:
            connection.execute("ROLLBACK")
            return ()
        if version > 0:
            # This connection holds the write lock, so the copy is what the migration starts from.
            at = datetime.now(UTC)
            copy_database(path, backup_path(path, version, at))
        db = Database(connection, execute_plugins=False)
        pending = tuple(migration.name for migration in migrations.pending(db))
        migrations.apply(db)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if version == 0:
            connection.executemany(
                "INSERT INTO meta VALUES (?, ?)",
                [
                    ("lineage", str(uuid.uuid4())),
                    ("created_at", to_text(datetime.now(UTC))),
                    ("serial", "0"),
                ],
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return pending


def backup_path(path: Path, version: int, at: datetime) -> Path:
    """`backups/runner.db-v1-20261121T100000Z`"""
    return path.parent / "backups" / f"{path.name}-v{version}-{at:%Y%m%dT%H%M%SZ}"


def _use_write_ahead_log(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    """Changing the journal mode does not wait for a lock by itself, so we do."""
    ends = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.01)
