"""Was a file with exactly this content examined before? Then this is its verdict.

A small SQLite file: two processes may use it at once, and a killed one leaves it whole. It is only a cache:
every problem with it means "not known", and a damaged one is thrown away.
"""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
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

    def get(self, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
        """The packed verdicts that are known, by hash."""
        found: dict[bytes, bytes] = {}
        if self.is_empty():
            return found
        with self._guarded() as connection:
            if connection is not None:
                for sha in hashes:
                    row = connection.execute(
                        "SELECT crc, packed FROM verdicts WHERE sha = ?", (sha,)
                    ).fetchone()
                    if row is not None and zlib.crc32(row[1]) == row[0]:
                        found[sha] = row[1]
        return found

    def put(self, packed: Mapping[bytes, bytes]) -> None:
        """Keep these verdicts; all or none of them."""
        if self._path is None or not packed:
            return
        with self._guarded() as connection:
            if connection is not None:
                day = int(time.time() // 86400)
                rows = [(sha, zlib.crc32(each), day, each) for sha, each in packed.items()]
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?)", rows)
                connection.execute("COMMIT")

    def keep_only(self, hashes: Iterable[bytes]) -> None:
        """Forget what is old and not among `hashes`, when that is the larger part."""
        wanted = set(hashes)
        with self._guarded() as connection:
            if connection is None:
                return
            (count,) = connection.execute("SELECT count(*) FROM verdicts").fetchone()
            if count <= 3 * len(wanted) + 1000:
                return
            day = int(time.time() // 86400) - KEPT_DAYS
            rows = connection.execute("SELECT sha FROM verdicts WHERE day < ?", (day,)).fetchall()
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "DELETE FROM verdicts WHERE sha = ?", [r for r in rows if r[0] not in wanted]
            )
            connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection | None]:
        import sqlite3

        try:
            yield self._open()
        except sqlite3.OperationalError:  # busy, full, read-only: not now
            self._roll_back()
        except (sqlite3.DatabaseError, OSError):  # damaged
            self.close()
            if self._path is not None:
                for ending in ("", "-wal", "-shm"):
                    with contextlib.suppress(OSError):
                        Path(f"{self._path}{ending}").unlink()

    def _roll_back(self) -> None:
        import sqlite3

        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection | None:
        import sqlite3

        if self._connection is not None or self._path is None:
            return self._connection
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
