"""Refusals: how many requests of a hook were not taken, and why."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.refusals import RefusalRecord
from runner.store.sqlite.cells import as_instant, instant
from runner.store.sqlite.damage import Rows

_SELECT = "SELECT job_uid, schedule, rule, count, first_at, last_at, path, detail FROM refusals"


class Refusals:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self, job_uid: str | None = None) -> list[RefusalRecord]:
        rows = self._connection.execute(
            f"{_SELECT} WHERE ?1 IS NULL OR job_uid = ?1 ORDER BY last_at DESC, job_uid, schedule, rule",
            (job_uid,),
        )
        return _REFUSALS.all(self._connection, rows)

    def add(self, refused: RefusalRecord) -> None:
        self._connection.execute(
            "INSERT INTO refusals VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " count = count + excluded.count, last_at = max(last_at, excluded.last_at),"
            " path = excluded.path, detail = excluded.detail",
            (
                refused.job_uid,
                refused.schedule,
                refused.rule,
                refused.count,
                instant(refused.first_at),
                instant(refused.last_at),
                refused.path,
                refused.detail,
            ),
        )

    def prune(self, before: datetime) -> int:
        gone = self._connection.execute("DELETE FROM refusals WHERE last_at < ?", (instant(before),))
        return gone.rowcount


def _record(row: Any) -> RefusalRecord:
    job_uid, schedule, rule, count, first_at, last_at, path, detail = row
    return RefusalRecord(
        job_uid=job_uid,
        schedule=schedule,
        rule=rule,
        count=count,
        first_at=as_instant(first_at),
        last_at=as_instant(last_at),
        path=path,
        detail=detail,
    )


_REFUSALS = Rows("refusals", _record, lambda row: f"the requests refused as {row[2]}")
