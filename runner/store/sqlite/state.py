"""State data: what a job's code saved, per run and target, and what it saved for good (principle 9)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.instance import LIVE
from runner.store.sqlite.cells import (
    as_instant,
    as_instant_or_none,
    as_json,
    from_json_map,
    instant,
    instant_or_none,
)
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.store.state import PersistentRecord, StateRecord
from runner.vocabulary.errors import ChangedMeanwhile

_SELECT = (
    "SELECT job_uid, instance_id, target, data, updated_at, step, n, cursor, wake_at FROM job_state_data"
)
# ?3 is NULL when the state has not changed: then it stays, if the row is of the same step.
_CHECKPOINT = (
    "INSERT INTO job_state_data (instance_id, target, job_uid, data, updated_at, step, n, cursor, wake_at)"  # noqa: S608
    " SELECT ?1, ?2, job_uid, ifnull(?3, 'null'), ?4, ?5, ?6, ?7, ?8 FROM job_instances"
    f" WHERE id = ?1 AND epoch = ?9 AND state IN ({', '.join(repr(state) for state in sorted(LIVE))})"
    " ON CONFLICT DO UPDATE SET data = iif(?3 IS NULL AND step = ?10, data, excluded.data),"
    " updated_at = excluded.updated_at, step = excluded.step, n = excluded.n, cursor = excluded.cursor,"
    " wake_at = excluded.wake_at"
)
MAX_PERSISTENT = 4 << 20
"""Bytes of JSON: many instances that each stay below their own limit must not make one row grow for ever."""


class State:
    def __init__(self, connection: sqlite3.Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def of(self, job_uid: str) -> list[StateRecord]:
        rows = self._connection.execute(
            f"{_SELECT} WHERE job_uid = ? ORDER BY instance_id, target", (job_uid,)
        )
        return _SAVED.all(self._connection, rows)

    def of_instance(self, instance_id: int, target: str | None = None) -> list[StateRecord]:
        wanted = "" if target is None else " AND target = ?"
        rows = self._connection.execute(
            f"{_SELECT} WHERE instance_id = ?{wanted} ORDER BY target",
            (instance_id,) if target is None else (instance_id, target),
        )
        return _SAVED.all(self._connection, rows)

    def persistent(self, job_uid: str) -> PersistentRecord | None:
        row = self._connection.execute(
            "SELECT data, updated_at FROM job_persistent_data WHERE job_uid = ?", (job_uid,)
        ).fetchone()
        return _KEPT.one(row and (job_uid, *row))

    def last_owner(self, job_uid: str) -> int | None:
        row = self._connection.execute(
            "SELECT max(instance_id) FROM job_state_data WHERE job_uid = ?", (job_uid,)
        ).fetchone()
        return None if row[0] is None else int(row[0])

    def put(self, job_uid: str, instance_id: int, target: str, data: Any, *, at: datetime) -> None:
        self._connection.execute(
            "INSERT INTO job_state_data (instance_id, target, job_uid, data, updated_at)"
            " VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
            (instance_id, target, job_uid, as_json(data), instant(at)),
        )

    def checkpoint(
        self,
        instance_id: int,
        target: str,
        *,
        epoch: int,
        at: datetime,
        step: str,
        n: int,
        cursor: str,
        data: str | None,
        wake_at: datetime | None = None,
        completes: bool = False,
    ) -> None:
        values = (
            instance_id, target, data, instant(at), "" if completes else step, n, cursor,
            instant_or_none(wake_at), epoch, step,
        )  # fmt: skip
        if self._connection.execute(_CHECKPOINT, values).rowcount != 1:
            row = self._connection.execute(
                "SELECT state, epoch FROM job_instances WHERE id = ?", (instance_id,)
            ).fetchone()
            found = f"is {row[0]} at epoch {row[1]}" if row else "does not exist"
            raise ChangedMeanwhile(
                f"Run {instance_id} was expected live at epoch {epoch}, and {found}; nothing was changed"
            )

    def take_over(self, instance_id: int, *, predecessor: int, at: datetime) -> int:
        return self._connection.execute(
            "UPDATE OR REPLACE job_state_data SET instance_id = ?, updated_at = ?, cursor = '{}',"
            " wake_at = NULL WHERE instance_id = ?",
            (instance_id, instant(at), predecessor),
        ).rowcount

    def wake(self, instance_id: int, target: str | None = None) -> None:
        self._connection.execute(
            "UPDATE job_state_data SET wake_at = NULL"
            " WHERE instance_id = ?1 AND wake_at IS NOT NULL AND (?2 IS NULL OR target = ?2)",
            (instance_id, target),
        )

    def clear(
        self, job_uid: str, *, instance_id: int | None = None, at: datetime, who: str, why: str = ""
    ) -> int:
        rows = self._connection.execute(
            "DELETE FROM job_state_data WHERE job_uid = ?1 AND (?2 IS NULL OR instance_id = ?2)",
            (job_uid, instance_id),
        ).rowcount
        if rows:
            details = {"rows": rows, "instance_id": instance_id}
            self._event(job_uid, "state.cleared", at=at, who=who, why=why, details=details)
        return rows

    def put_persistent(self, job_uid: str, data: Any, *, at: datetime) -> None:
        self._put_persistent(job_uid, as_json(data), at)

    def _put_persistent(self, job_uid: str, text: str, at: datetime) -> None:
        self._connection.execute(
            "INSERT INTO job_persistent_data (job_uid, data, updated_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at",
            (job_uid, text, instant(at)),
        )

    def merge_persistent(
        self, job_uid: str, *, changed: Mapping[str, str], removed: Sequence[str], at: datetime
    ) -> None:
        row = self._connection.execute(
            "SELECT data FROM job_persistent_data WHERE job_uid = ?", (job_uid,)
        ).fetchone()
        values = from_json_map(row[0]) if row else {}
        values.update({key: json.loads(text) for key, text in changed.items()})
        for key in removed:
            values.pop(key, None)
        text = as_json(values)
        if len(text) > MAX_PERSISTENT:
            raise ValueError(f"the persistent state would be larger than {MAX_PERSISTENT >> 20} MiB")
        self._put_persistent(job_uid, text, at)

    def clear_persistent(self, job_uid: str, *, at: datetime, who: str, why: str = "") -> bool:
        gone = self._connection.execute("DELETE FROM job_persistent_data WHERE job_uid = ?", (job_uid,))
        if gone.rowcount:
            self._event(job_uid, "state.persistent_cleared", at=at, who=who, why=why, details={})
        return gone.rowcount > 0

    def _event(
        self, job_uid: str, event: str, *, at: datetime, who: str, why: str, details: dict[str, Any]
    ) -> None:
        row = self._connection.execute("SELECT kind, name FROM objects WHERE uid = ?", (job_uid,)).fetchone()
        kind, name = row or ("Job", job_uid)
        self._events.append(kind, name, event, at=at, who=who, why=why, details={"uid": job_uid, **details})


def _record(row: Any) -> StateRecord:
    job_uid, instance_id, target, data, updated_at, step, n, cursor, wake_at = row
    return StateRecord(
        job_uid,
        instance_id,
        target,
        json.loads(data),
        as_instant(updated_at),
        step,
        n,
        from_json_map(cursor),
        as_instant_or_none(wake_at),
    )


def _kept(row: Any) -> PersistentRecord:
    job_uid, data, updated_at = row
    return PersistentRecord(job_uid, json.loads(data), as_instant(updated_at))


_SAVED = Rows("job_state_data", _record, lambda row: f"what run {row[1]} saved")
_KEPT = Rows("job_persistent_data", _kept, lambda row: f"what job {row[0]} keeps")
