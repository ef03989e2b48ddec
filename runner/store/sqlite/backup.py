"""A copy of the database while it is in use, whole and readable only by its owner."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from runner.store.sqlite.cells import instant
from runner.store.sqlite.connection import connect
from runner.store.sqlite.presence import COPIED


def copy_database(path: Path, to: Path) -> None:
    """`to` is one complete file (no -wal beside it), mode 0600, and appears only when it is complete.

    An existing `to` is replaced. sqlite3.Error and OSError pass through, and leave no half-made file.
    """
    if not to.parent.is_dir():
        to.parent.mkdir(mode=0o700, parents=True)
    unfinished = to.with_name(f".{to.name}.{os.getpid()}.part")
    os.close(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
    try:
        unfinished.chmod(0o600)
        with contextlib.closing(connect(path, writing=False)) as source:
            with contextlib.closing(sqlite3.connect(unfinished, isolation_level=None)) as target:
                source.backup(target)
                _mark(target)
                target.execute("PRAGMA journal_mode = DELETE")
            _sync(unfinished)
        unfinished.replace(to)
        _sync(to.parent)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _mark(copy: sqlite3.Connection) -> None:
    """Who goes on with the copy is to know that it is one: much may have happened since."""
    if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        made_at = instant(datetime.now(UTC))
        copy.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (COPIED, made_at),
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
