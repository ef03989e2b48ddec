"""Feeds: which ends of runs count for the schedules that wait for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.lifecycle.instance import TERMINAL
from runner.store.feeds import UpstreamEnd
from runner.store.sqlite.cells import as_instant, marks
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events

_ENDS = ", ".join(f"'{state}'" for state in sorted(TERMINAL))
_CURSOR = "arrivals_cursor"


class Feeds:
    def __init__(self, connection: sqlite3.Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def all(self) -> dict[tuple[str, str], int]:
        rows = self._connection.execute("SELECT job_uid, schedule, since_event FROM arrival_feeds")
        return {(row[0], row[1]): int(row[2]) for row in rows}

    def cursor(self) -> int:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (_CURSOR,)).fetchone()
        return int(row[0]) if row is not None and str(row[0]).isdecimal() else 0

    def ends_after(self, event_id: int, until: int, job_uids: Sequence[str]) -> list[UpstreamEnd]:
        self._events.flush()  # those of this transaction too
        rows = self._connection.execute(
            "SELECT e.id, i.id, i.job_uid, e.after, e.at FROM events e"  # noqa: S608
            " CROSS JOIN job_instances i ON i.id = e.instance_id"
            " WHERE e.id > ? AND e.id <= ? AND e.subject_kind = 'instance'"
            f" AND e.after IN ({_ENDS}) AND i.job_uid IN ({marks(len(job_uids))}) ORDER BY e.id",
            (event_id, until, *job_uids),
        )
        return _ENDED.all(self._connection, rows)

    def set(self, job_uid: str, schedule: str, since_event: int) -> None:
        self._connection.execute(
            "INSERT INTO arrival_feeds VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " since_event = excluded.since_event",
            (job_uid, schedule, since_event),
        )

    def drop(self, job_uid: str, schedule: str) -> None:
        self._connection.execute(
            "DELETE FROM arrival_feeds WHERE job_uid = ? AND schedule = ?", (job_uid, schedule)
        )

    def set_cursor(self, event_id: int) -> None:
        self._connection.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (_CURSOR, str(event_id)),
        )


def _ended(row: Any) -> UpstreamEnd:
    return UpstreamEnd(row[0], row[1], row[2], row[3], as_instant(row[4]))


_ENDED = Rows("events", _ended, lambda row: f"the end of run {row[1]}")
