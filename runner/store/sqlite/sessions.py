"""Sessions: which process of the runner worked on this database, and when it last said that it lives."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.sessions import SessionRecord
from runner.store.sqlite.cells import as_instant, as_instant_or_none, instant
from runner.store.sqlite.damage import Rows

_SELECT = (
    "SELECT id, kind, pid, host, boot_id, login, started_at, heartbeat_at, ended_at, ended_how FROM sessions"
)


class Sessions:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def list(self, limit: int = 50) -> list[SessionRecord]:
        rows = self._connection.execute(f"{_SELECT} ORDER BY id DESC LIMIT ?", (limit,))
        return _SESSIONS.all(self._connection, rows)

    def get(self, id: int) -> SessionRecord | None:
        row = self._connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
        return _SESSIONS.one(row)

    def current_daemon(self) -> SessionRecord | None:
        row = self._connection.execute(
            f"{_SELECT} WHERE kind = 'up' AND ended_at IS NULL ORDER BY id DESC LIMIT 1"
        ).fetchone()
        return _SESSIONS.one(row)

    def start(self, kind: str, *, pid: int, host: str, boot_id: str, login: str, at: datetime) -> int:
        (id,) = self._connection.execute(
            "INSERT INTO sessions (kind, pid, host, boot_id, login, started_at, heartbeat_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (kind, pid, host, boot_id, login, instant(at), instant(at)),
        ).fetchone()
        return int(id)

    def beat(self, id: int, at: datetime) -> None:
        self._connection.execute(
            "UPDATE sessions SET heartbeat_at = ? WHERE id = ? AND ended_at IS NULL", (instant(at), id)
        )

    def end(self, id: int, at: datetime, how: str) -> None:
        self._connection.execute(
            "UPDATE sessions SET ended_at = ?, ended_how = ? WHERE id = ? AND ended_at IS NULL",
            (instant(at), how, id),
        )

    def end_others(self, id: int, at: datetime, how: str) -> int:
        return self._connection.execute(
            "UPDATE sessions SET ended_at = ?, ended_how = ?"
            " WHERE id <> ? AND kind = 'up' AND ended_at IS NULL",
            (instant(at), how, id),
        ).rowcount


def _record(row: Any) -> SessionRecord:
    id, kind, pid, host, boot_id, login, started_at, heartbeat_at, ended_at, ended_how = row
    return SessionRecord(
        id,
        kind,
        pid,
        host,
        boot_id,
        login,
        as_instant(started_at),
        as_instant(heartbeat_at),
        as_instant_or_none(ended_at),
        ended_how,
    )


_SESSIONS = Rows("sessions", _record, lambda row: f"session {row[0]}")
