"""Errors and warnings that a run raised."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.store.errors import ErrorRecord
from runner.store.sqlite.cells import as_instant, as_yaml, chunks, from_yaml, instant, marks
from runner.store.sqlite.damage import Rows

_SELECT = "SELECT instance_id, at, severity, code, description, info, target, step, grade FROM job_errors"


class Errors:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, instance_id: int) -> list[ErrorRecord]:
        rows = self._connection.execute(f"{_SELECT} WHERE instance_id = ? ORDER BY id", (instance_id,))
        return _ERRORS.all(self._connection, rows)

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[ErrorRecord]]:
        found: dict[int, list[ErrorRecord]] = {id: [] for id in instance_ids}
        for ids in chunks(list(found)):
            rows = self._connection.execute(
                f"{_SELECT} WHERE instance_id IN ({marks(len(ids))}) ORDER BY id", ids
            )
            for error in _ERRORS.all(self._connection, rows):
                found[error.instance_id].append(error)
        return found

    def add(self, error: ErrorRecord) -> None:
        self._connection.execute(
            "INSERT INTO job_errors (instance_id, at, severity, code, description, info, target, step,"
            " grade) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                error.instance_id,
                instant(error.at),
                error.severity,
                error.code,
                error.description,
                as_yaml(error.info),
                error.target,
                error.step,
                error.grade,
            ),
        )


def _record(row: Any) -> ErrorRecord:
    id, at, severity, code, description, info, target, step, grade = row
    return ErrorRecord(id, as_instant(at), severity, code, description, from_yaml(info), target, step, grade)


_ERRORS = Rows("job_errors", _record, lambda row: f"error {row[3]} of run {row[0]}")
