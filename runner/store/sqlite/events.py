"""Events: what happened, to what, by whom and why."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from runner.store.events import EventRecord
from runner.store.sqlite.cells import as_instant, as_json, chunks, from_json_map, instant, marks
from runner.store.sqlite.damage import Rows

_COLUMNS = "id, at, subject_kind, subject, event, row, before, after, who, why, details"
_INSERT = (
    "INSERT INTO events (at, subject_kind, subject, event, row, before, after, who, why, details,"
    " instance_id) VALUES "
)
_TOGETHER = 16
"""Rows of one statement, which costs two thirds of as many statements."""
_INSERTS = [_INSERT + ", ".join([f"({marks(11)})"] * rows) for rows in range(_TOGETHER + 1)]
OF_A_RUN = ("instance", "task", "step")

EventRow = tuple[str, str, str, str, str, str, str, str, str, str, int | None]


class Events:
    """Rows written in a transaction are kept back and inserted together at its end (`flush`)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: list[EventRow] = []
        self.add = self._pending.append

    def flush(self) -> None:
        for rows in chunks(self._pending, _TOGETHER):
            self._connection.execute(_INSERTS[len(rows)], [*chain.from_iterable(rows)])
        self._pending.clear()

    def forget(self) -> None:
        """After a rollback."""
        self._pending.clear()

    def append(
        self,
        subject_kind: str,
        subject: str,
        event: str,
        *,
        at: datetime,
        who: str,
        why: str = "",
        row: str = "",
        before: str = "",
        after: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        instance_id = int(subject.partition("/")[0]) if subject_kind in OF_A_RUN else None
        text = as_json(details) if details else "{}"
        self.add((instant(at), subject_kind, subject, event, row, before, after, who, why, text, instance_id))

    def of(
        self, subject_kind: str, subject: str, limit: int = 100, *, alone: bool = False
    ) -> list[EventRecord]:
        self.flush()
        if subject_kind not in OF_A_RUN:
            return self._list(
                "instance_id IS NULL AND subject_kind = ? AND subject = ? ORDER BY id DESC LIMIT ?",
                (subject_kind, subject, limit),
            )
        instance_id = int(subject.partition("/")[0])
        if subject_kind == "instance" and not alone:
            return self._list("instance_id = ? ORDER BY id DESC LIMIT ?", (instance_id, limit))
        return self._list(
            "instance_id = ? AND subject_kind = ? AND subject = ? ORDER BY id DESC LIMIT ?",
            (instance_id, subject_kind, subject, limit),
        )

    def since(self, id: int, limit: int = 1000) -> list[EventRecord]:
        self.flush()
        return self._list("id > ? ORDER BY id LIMIT ?", (id, limit))

    def runs_since(self, id: int, limit: int) -> dict[int, str]:
        self.flush()
        rows = self._connection.execute(
            "SELECT DISTINCT i.id, i.job_uid FROM events e CROSS JOIN job_instances i ON i.id = e.instance_id"
            " WHERE e.id > ? LIMIT ?",
            (id, limit),
        )
        return dict(rows.fetchall())

    def last_id(self) -> int:
        self.flush()
        (last,) = self._connection.execute("SELECT max(id) FROM events").fetchone()
        return last or 0

    def _list(self, condition: str, values: tuple[Any, ...]) -> list[EventRecord]:
        rows = self._connection.execute(f"SELECT {_COLUMNS} FROM events WHERE {condition}", values)  # noqa: S608
        return _EVENTS.all(self._connection, rows)


def _record(row: Any) -> EventRecord:
    id, at, subject_kind, subject, event, table_row, before, after, who, why, details = row
    return EventRecord(
        id,
        as_instant(at),
        subject_kind,
        subject,
        event,
        table_row,
        before,
        after,
        who,
        why,
        from_json_map(details),
    )


_EVENTS = Rows("events", _record, lambda row: f"event {row[0]} of {row[2]} {row[3]}")
