"""Tasks: one row per target of a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.machine import Move
from runner.store.records import TaskRecord
from runner.store.sqlite.cells import (
    as_instant_or_none,
    chunks,
    from_json_map,
    from_json_map_or_none,
    instant,
    marks,
)
from runner.store.sqlite.changes import TASK_COLUMNS, Changes
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.vocabulary.errors import ChangedMeanwhile

_SELECT = (
    "SELECT instance_id, target, state, attempt, last_triggered_at, next_try_at, reason, progress,"
    " metrics, progress_said FROM tasks"
)
_TRIGGERED = ", attempt = attempt + 1, next_try_at = NULL, last_triggered_at = ?"
_GUARD = (
    " WHERE instance_id = ? AND target = ? AND state = ?"
    " AND (SELECT epoch FROM job_instances WHERE id = instance_id) = ?"
)


class Tasks:
    def __init__(self, connection: sqlite3.Connection, events: Events) -> None:
        self._connection = connection
        self._events = events
        self._changes = Changes(TASK_COLUMNS)

    def of(self, instance_id: int) -> list[TaskRecord]:
        rows = self._connection.execute(f"{_SELECT} WHERE instance_id = ? ORDER BY target", (instance_id,))
        return _TASKS.all(self._connection, rows)

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[TaskRecord]]:
        found: dict[int, list[TaskRecord]] = {id: [] for id in instance_ids}
        for ids in chunks(list(found)):
            rows = self._connection.execute(
                f"{_SELECT} WHERE instance_id IN ({marks(len(ids))}) ORDER BY instance_id, target", ids
            )
            for task in _TASKS.all(self._connection, rows):
                found[task.instance_id].append(task)
        return found

    def update(self, instance_id: int, target: str, *, epoch: int, **changes: Any) -> None:
        extra, cells = self._changes.assignments(changes)
        self._connection.execute(
            f"UPDATE tasks SET target = target{extra} WHERE instance_id = ? AND target = ?"  # noqa: S608
            " AND (SELECT epoch FROM job_instances WHERE id = instance_id) = ?",
            (*cells, instance_id, target, epoch),
        )

    def move(
        self,
        instance_id: int,
        target: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> None:
        at_text = instant(at)
        extra, cells = self._changes.assignments(changes) if changes else ("", [])
        sql = "UPDATE tasks SET state = ?"
        values: tuple[Any, ...] = (move.after,)
        if move.after == "RUNNING":
            sql += _TRIGGERED
            values = (move.after, at_text)
        moved = self._connection.execute(
            sql + extra + _GUARD, (*values, *cells, instance_id, target, move.before, epoch)
        )
        if moved.rowcount != 1:
            raise self._changed(instance_id, target, move, epoch)
        self._events.add(
            (at_text, "task", f"{instance_id}/{target}", move.event, move.row, move.before, move.after, who,
             why, "{}", instance_id)
        )  # fmt: skip

    def _changed(self, instance_id: int, target: str, move: Move, epoch: int) -> ChangedMeanwhile:
        row = self._connection.execute(
            "SELECT t.state, i.epoch FROM tasks t JOIN job_instances i ON i.id = t.instance_id"
            " WHERE t.instance_id = ? AND t.target = ?",
            (instance_id, target),
        ).fetchone()
        found = f"is {row[0]} at epoch {row[1]}" if row else "does not exist"
        return ChangedMeanwhile(
            f"Task {target} of run {instance_id} was expected {move.before} at epoch {epoch}, and {found};"
            " nothing was changed"
        )


def _record(row: Any) -> TaskRecord:
    id, target, state, attempt, last_triggered_at, next_try_at, reason, progress, metrics, said = row
    return TaskRecord(
        id,
        target,
        state,
        attempt,
        as_instant_or_none(last_triggered_at),
        as_instant_or_none(next_try_at),
        reason,
        progress,
        from_json_map(metrics),
        from_json_map_or_none(said),
    )


_TASKS = Rows("tasks", _record, lambda row: f"task {row[1]} of run {row[0]}")
