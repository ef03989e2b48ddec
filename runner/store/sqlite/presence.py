"""Presence: in which stretches of time a daemon was there, with clocks that agreed."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.presence import StretchRecord
from runner.store.sqlite.cells import as_instant, instant
from runner.store.sqlite.damage import Rows

_SELECT = (
    "SELECT id, session_id, boot_id, began_at, began_boot_s, began_by, moved_s, last_at, last_boot_s,"
    " ended_by FROM presence"
)

COPIED = "copied_at"
"""In the table meta of a copy: when it was made."""


class Presence:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def last(self) -> StretchRecord | None:
        row = self._connection.execute(f"{_SELECT} ORDER BY id DESC LIMIT 1").fetchone()
        return _STRETCHES.one(row)

    def between(self, after: datetime, until: datetime) -> list[StretchRecord]:
        inside = {"after": instant(after), "until": instant(until)}
        first, last = self._connection.execute(
            "SELECT min(id), max(id) FROM presence WHERE last_at >= :after AND began_at <= :until", inside
        ).fetchone()
        if first is None:  # between two stretches: the ones on both sides
            (last,) = self._connection.execute(
                "SELECT max(id) FROM presence WHERE last_at < :after", inside
            ).fetchone()
            last = last or 0
            first = last + 1
        rows = self._connection.execute(
            f"{_SELECT} WHERE id BETWEEN ? - 1 AND ? + 1 ORDER BY id", (first, last)
        )
        return _STRETCHES.all(self._connection, rows)

    def gaps(self, moment: datetime) -> list[tuple[StretchRecord, StretchRecord]]:
        ids = self._connection.execute(
            "SELECT id, next_id FROM (SELECT id, last_at, lead(id) OVER stretches AS next_id,"
            " lead(began_at) OVER stretches AS next_began_at FROM presence WINDOW stretches AS (ORDER BY id))"
            " WHERE last_at < ? AND next_began_at > ?",
            (instant(moment), instant(moment)),
        ).fetchall()
        pairs = (self._connection.execute(f"{_SELECT} WHERE id IN (?, ?) ORDER BY id", pair) for pair in ids)
        found = (_STRETCHES.all(self._connection, rows) for rows in pairs)
        return [(pair[0], pair[1]) for pair in found if len(pair) == 2]  # a damaged one is noted

    def is_copy(self) -> bool:
        return self._connection.execute("SELECT 1 FROM meta WHERE key = ?", (COPIED,)).fetchone() is not None

    def is_copy_no_more(self) -> None:
        self._connection.execute("DELETE FROM meta WHERE key = ?", (COPIED,))

    def begin(
        self, session_id: int, boot_id: str, *, at: datetime, boot_s: float, by: str, moved_s: float = 0.0
    ) -> int:
        self._connection.execute(
            "UPDATE presence SET ended_by = ? WHERE ended_by = ''", ("lost" if by == "start" else by,)
        )
        (id,) = self._connection.execute(
            "INSERT INTO presence (session_id, boot_id, began_at, began_boot_s, began_by, moved_s, last_at,"
            " last_boot_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (session_id, boot_id, instant(at), boot_s, by, moved_s, instant(at), boot_s),
        ).fetchone()
        return int(id)

    def extend(self, id: int, *, at: datetime, boot_s: float) -> None:
        self._connection.execute(
            "UPDATE presence SET last_at = ?, last_boot_s = ? WHERE id = ? AND ended_by = ''",
            (instant(at), boot_s, id),
        )

    def end(self, id: int, *, at: datetime, boot_s: float, by: str) -> None:
        self._connection.execute(
            "UPDATE presence SET last_at = ?, last_boot_s = ?, ended_by = ? WHERE id = ? AND ended_by = ''",
            (instant(at), boot_s, by, id),
        )


def _record(row: Any) -> StretchRecord:
    id, session, boot_id, began_at, began_boot_s, began_by, moved_s, last_at, last_boot_s, ended_by = row
    return StretchRecord(
        id,
        session,
        boot_id,
        as_instant(began_at),
        float(began_boot_s),
        began_by,
        float(moved_s),
        as_instant(last_at),
        float(last_boot_s),
        ended_by,
    )


_STRETCHES = Rows("presence", _record, lambda row: f"stretch {row[0]} of session {row[1]}")
