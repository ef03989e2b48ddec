"""Notifications: what runs told people."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.store.notifications import NotificationRecord
from runner.store.sqlite.cells import as_instant, chunks, instant, marks
from runner.store.sqlite.damage import Rows

_SELECT = "SELECT instance_id, at, level, topic, message, target, step FROM job_notifications"


class Notifications:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[NotificationRecord]]:
        found: dict[int, list[NotificationRecord]] = {id: [] for id in instance_ids}
        for ids in chunks(list(found)):
            rows = self._connection.execute(
                f"{_SELECT} WHERE instance_id IN ({marks(len(ids))}) ORDER BY id", ids
            )
            for each in _NOTIFICATIONS.all(self._connection, rows):
                found[each.instance_id].append(each)
        return found

    def add(self, told: NotificationRecord) -> None:
        self._connection.execute(
            "INSERT INTO job_notifications (instance_id, at, level, topic, message, target, step)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                told.instance_id,
                instant(told.at),
                told.level,
                told.topic,
                told.message,
                told.target,
                told.step,
            ),
        )


def _record(row: Any) -> NotificationRecord:
    instance_id, at, level, topic, message, target, step = row
    return NotificationRecord(instance_id, as_instant(at), level, topic, message, target, step)


_NOTIFICATIONS = Rows("job_notifications", _record, lambda row: f"a notification of run {row[0]}")
