"""What was asked of one target of a run, until it has been done."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from runner.store.sqlite.cells import instant
from runner.store.target_requests import TargetRequest


class TargetRequests:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, instance_id: int) -> list[TargetRequest]:
        rows = self._connection.execute(
            "SELECT id, target, verb, who, why FROM target_requests WHERE instance_id = ? ORDER BY id",
            (instance_id,),
        )
        return [TargetRequest(*row) for row in rows]

    def add(self, instance_id: int, target: str, verb: str, *, who: str, why: str, at: datetime) -> None:
        self._connection.execute(
            "INSERT INTO target_requests (instance_id, target, verb, who, why, at) VALUES (?, ?, ?, ?, ?, ?)",
            (instance_id, target, verb, who, why, instant(at)),
        )

    def done(self, instance_id: int, target: str | None = None) -> None:
        self._connection.execute(
            "DELETE FROM target_requests WHERE instance_id = ? AND (? IS NULL OR target = ?)",
            (instance_id, target, target),
        )
