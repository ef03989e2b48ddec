"""Was a file with exactly this content examined before? Then this is its verdict.

A small SQLite file: two processes may use it at once, and a killed one leaves it whole. It is only a cache:
every problem with it means "not known", and a damaged one is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

KEPT_DAYS = 14  # verdicts of other program versions and of content that nobody has asked for


class Contents:
    """Verdicts by the sha256 of the file's content."""

    def __init__(self, folder: Path | None, stamp: str) -> None:
        self._path = folder / f"contents-{stamp[:16]}.db" if folder is not None else None
        self._connection: sqlite3.Connection | None = None

    def is_empty(self) -> bool:
        """Whether nothing can be found, known without opening anything."""
        return self._path is None or not self._path.exists()

    def get(self, hashes: Collection[bytes]) -> dict[bytes, bytes]:
        """The packed verdicts that are known, by hash."""
        found: dict[bytes, bytes] = {}
        if self.is_empty() or not hashes:
            return found

        def look_up(connection: sqlite3.Connection) -> None:
            for sha in hashes:
                row = connection.execute("SELECT crc, packed FROM verdicts WHERE sha = ?", (sha,)).fetchone()
                if row is not None and zlib.crc32(row[1]) == row[0]:
                    found[sha] = row[1]

        self._guarded(look_up)
        return found

    def put(self, packed: Mapping[bytes, bytes]) -> bool:
        """Keep these verdicts, all or none of them; whether that was done."""
        if self._path is None or not packed:
            return False
        day = int(time.time() // 86400)
        rows = [(sha, zlib.crc32(each), day, each) for sha, each in packed.items()]

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")

        return self._guarded(insert)

    def forget_old(self, files: int, in_use: Callable[[], Collection[bytes]]) -> None:
        """Forget what was put long ago and is not in use, once there is far more than for that many files."""

        def delete(connection: sqlite3.Connection) -> None:
            (count,) = connection.execute("SELECT count(*) FROM verdicts").fetchone()
            if count <= 3 * files + 1000:
                return
            kept, before = in_use(), int(time.time() // 86400) - KEPT_DAYS
            rows = connection.execute("SELECT sha FROM verdicts WHERE day < ?", (before,)).fetchall()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "DELETE FROM verdicts WHERE sha = ?", [r for r in rows if r[0] not in kept]
            )
            connection.execute("COMMIT")

        if not self.is_empty():
            self._guarded(delete)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _guarded(self, work: Callable[[sqlite3.Connection], None]) -> bool:
        """Do the work if that is possible; whether it was."""
        import sqlite3

        try:
            work(self._open())
        except sqlite3.OperationalError:  # busy, full, read-only, a folder: not now
            self._roll_back()
        except (sqlite3.DatabaseError, OSError):  # damaged
            self._throw_away()
        else:
            return True
        return False

    def _throw_away(self) -> None:
        self.close()
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                Path(f"{self._path}{ending}").unlink()

    def _roll_back(self) -> None:
        import sqlite3

        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        if self._connection is not None:
            return self._connection
        assert self._path is not None
        is_new = not self._path.exists()
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(self._path, timeout=2, isolation_level=None)
        self._connection = connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # after a power cut it may be damaged: see _guarded
        connection.execute(
            "CREATE TABLE IF NOT EXISTS verdicts "
            "(sha BLOB PRIMARY KEY, crc INTEGER NOT NULL, day INTEGER NOT NULL, packed BLOB NOT NULL)"
        )
        if is_new:
            self._remove_older_versions()
        return connection

    def _remove_older_versions(self) -> None:
        assert self._path is not None
        before = time.time() - KEPT_DAYS * 86400
        for other in self._path.parent.glob("contents-*.db*"):
            with contextlib.suppress(OSError):
                if not other.name.startswith(self._path.name) and other.stat().st_mtime < before:
                    other.unlink()
