"""One connection, set up the same way everywhere."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from runner.store.sqlite.damage import Connection

BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another process; the longest own transaction is well below a second."""


def connect(
    path: Path, *, writing: bool, read_only: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
) -> Connection:
    """Transactions are ours (`isolation_level=None`); sqlite3.Error when the file cannot be used.

    A connection that is not `writing` refuses writes. `read_only` opens the file itself for reading only.
    """
    mode = "ro" if read_only else "rw"
    if not writing and _is_frozen(path):
        mode = "ro&immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=busy_timeout_s,
        isolation_level=None,
        check_same_thread=False,
        factory=Connection,
        cached_statements=512,
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        if writing:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -16384")
            connection.execute("PRAGMA journal_size_limit = 67108864")
        else:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_frozen(path: Path) -> bool:
    """Whether it lies on a read-only disk and nobody has it open: SQLite could not make its -shm file there,
    and does not need one.
    """
    return not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
