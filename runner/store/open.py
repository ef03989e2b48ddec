"""Open the store; the only place that picks which one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from runner.store.sqlite.connection import BUSY_TIMEOUT_S, connect
from runner.store.sqlite.failures import restore, sentence_for
from runner.store.sqlite.store import SqliteStore
from runner.store.sqlite.version import APPLICATION_ID, OLDEST_SQLITE, SCHEMA_VERSION
from runner.vocabulary.errors import NoDatabase, StoreUnavailable

if TYPE_CHECKING:
    from runner.store.port import Store as Store  # noqa: PLC0414  (others may import it from here)


def open_store(
    path: Path,
    *,
    create: bool = False,
    read_only: bool = False,
    noting: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
) -> Store:
    """The store at `path`, brought up to date (after a backup) unless it is opened `read_only`.

    NoDatabase when there is none and it may not be created; StoreUnavailable, in one sentence, when it cannot
    be used. With `noting`, readers leave damaged rows out and keep notes of them. Costs a few milliseconds
    when nothing has to be made or migrated.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreUnavailable(
            f"SQLite {sqlite3.sqlite_version} is too old for the runner; "
            f"use a Python with SQLite {'.'.join(map(str, OLDEST_SQLITE))} or newer"
        )
    refuse_what_is_no_folder(path.parent)
    version = version_of(path, read_only=read_only, busy_timeout_s=busy_timeout_s)
    if version == 0 and not create:
        raise NoDatabase(f"There is no database at {path}; `runner up`, `init` or `apply --create` make one")
    if version < SCHEMA_VERSION:
        if read_only and version > 0:
            raise StoreUnavailable(
                f"{path} was written by an older release (tables {version}, this one needs "
                f"{SCHEMA_VERSION}); run: runner db migrate"
            )
        _make_or_migrate(path, busy_timeout_s)
    return SqliteStore(
        path,
        _lineage(path, busy_timeout_s),
        read_only=read_only,
        noting=noting,
        busy_timeout_s=busy_timeout_s,
    )


def version_of(path: Path, *, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S) -> int:
    """0 when there is none yet; refuses what is not ours and what is newer than this program."""
    try:
        if path.is_dir():
            raise StoreUnavailable(f"{path} is a folder; name a file with --db")
        if not path.exists():
            return 0
        if path.stat().st_size == 0:
            _refuse_if_lost(path)
            return 0
        connection = connect(path, writing=False, read_only=read_only, busy_timeout_s=busy_timeout_s)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            connection.close()
    except (sqlite3.Error, OSError) as problem:
        raise sentence_for(path, problem) or problem from problem
    if application != APPLICATION_ID and tables:
        raise StoreUnavailable(f"{path} is a database of another program; name another file with --db")
    if version > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path} was written by a newer release (tables {version}, this one knows {SCHEMA_VERSION}); "
            "use that release, or restore a backup made before it"
        )
    return int(version)


def refuse_what_is_no_folder(state: Path) -> None:
    """Nothing where the state directory is, or can be made; StoreUnavailable where something else stands."""
    if os.path.lexists(state) and not state.is_dir():
        what = f"a link to {state.readlink()}, which is no folder" if state.is_symlink() else "not a folder"
        raise StoreUnavailable(
            f"{state} is {what}, and the state belongs there; move it away, or name another place with --db"
        )


def _refuse_if_lost(path: Path) -> None:
    """An empty file was never filled, unless something was applied or ran here: unreadable is not empty."""
    if any((path.parent / left).is_dir() for left in ("blobs", "logs")):
        raise StoreUnavailable(
            f"{path} is empty, but it was not: jobs have run here, and what it held is lost; "
            f"{restore(path)}, or remove {path} to begin anew"
        )


def _make_or_migrate(path: Path, busy_timeout_s: float) -> None:
    from runner.store.sqlite.migrate import create_file, migrate

    try:
        create_file(path)
    except OSError as problem:
        raise StoreUnavailable(
            f"{path} cannot be created ({problem.strerror}); give write access to {path.parent}, "
            "or name another place with --db"
        ) from problem
    migrate(path, busy_timeout_s=busy_timeout_s)


def _lineage(path: Path, busy_timeout_s: float) -> str:
    try:
        connection = connect(path, writing=False, busy_timeout_s=busy_timeout_s)
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'lineage'").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as problem:
        raise sentence_for(path, problem) or problem from problem
    if row is None:
        raise StoreUnavailable(f"{path} has lost its lineage (table meta); {restore(path)}")
    return str(row[0])
