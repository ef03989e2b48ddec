"""Tasks: one row per target of a run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.machine import Move
from runner.store.sqlite.cells import (
    as_instant_or_none,
    as_json,
    chunks,
    from_json_map,
    from_json_map_or_none,
    from_yaml,
    instant,
    marks,
)
from runner.store.sqlite.changes import TASK_COLUMNS, Changes
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.store.tasks import AtWork, OpenTask, TaskProcess, TaskRecord
from runner.vocabulary.errors import ChangedMeanwhile, TargetAtWork

_SELECT = (
    "SELECT instance_id, target, state, attempt, last_triggered_at, next_try_at, reason, progress,"
    " metrics, progress_said, position, target_values, expires_at, completed_at, failures, crashes, error,"
    " info FROM tasks"
)
_OPEN = (
    "SELECT target, position, state, attempt, next_try_at, expires_at, failures, crashes FROM tasks"
    " WHERE instance_id = ? ORDER BY position"
)
_FREEZE = (
    "INSERT INTO tasks (instance_id, target, state, position, target_values, inventory)"
    " VALUES (?, ?, 'SCHEDULED', ?, ?, ?)"
)
_TRIGGERED = ", attempt = attempt + 1, next_try_at = NULL, last_triggered_at = ?"
_GUARD = (
    " WHERE instance_id = ? AND target = ? AND state = ?"
    " AND (SELECT epoch FROM job_instances WHERE id = instance_id) = ?"
)
_AT_WORK = (
    "SELECT other.target, other.instance_id, i.job FROM tasks own"
    " JOIN tasks other ON other.inventory = own.inventory AND other.target = own.target"
    " AND other.inventory IS NOT NULL AND other.state = 'RUNNING' AND other.instance_id <> own.instance_id"
    " JOIN job_instances i ON i.id = other.instance_id"
    " WHERE own.instance_id = ? AND own.target IN ({})"
)
_COUNT_END = (
    "UPDATE job_instances SET targets_ended = targets_ended + 1, targets_failed = targets_failed + ?,"
    " progress = (targets_ended + 1.0) / max(targets, 1) WHERE id = ? AND epoch = ?"
)

_FIGURES = {
    "running_s": "sum",
    "cpu_s": "sum",
    "peak_memory": "max",
    "log_bytes": "sum",
    "checkpoints": "sum",
}
_METRICS = (
    "SELECT count(*), "  # noqa: S608
    + ", ".join(f"{together}(json_extract(metrics, '$.{name}'))" for name, together in _FIGURES.items())
    + " FROM tasks WHERE instance_id = ? AND metrics <> '{}'"
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

    def get(self, instance_id: int, target: str) -> TaskRecord | None:
        rows = self._connection.execute(
            f"{_SELECT} WHERE instance_id = ? AND target = ?", (instance_id, target)
        )
        return _TASKS.one(rows.fetchone())

    def metrics(self, instance_id: int) -> dict[str, Any]:
        (targets, *figures) = self._connection.execute(_METRICS, (instance_id,)).fetchone()
        if not targets:
            return {}
        return {
            name: round(figure, 3) if isinstance(figure, float) else figure
            for name, figure in zip(_FIGURES, figures, strict=True)
        }

    def page(
        self,
        instance_id: int,
        states: Iterable[str] | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[TaskRecord]:
        wanted = None if states is None else list(states)
        condition = "" if wanted is None else f" AND state IN ({marks(len(wanted))})"
        rows = self._connection.execute(
            f"{_SELECT} WHERE instance_id = ?{condition} ORDER BY position, target LIMIT ? OFFSET ?",
            (instance_id, *(wanted or ()), -1 if limit is None else limit, offset),
        )
        return _TASKS.all(self._connection, rows)

    def counts(self, instance_id: int) -> dict[str, int]:
        return dict(
            self._connection.execute(
                "SELECT state, count(*) FROM tasks WHERE instance_id = ? GROUP BY state", (instance_id,)
            ).fetchall()
        )

    def open_tasks(self, instance_id: int) -> list[OpenTask]:
        return _OPEN_TASKS.all(self._connection, self._connection.execute(_OPEN, (instance_id,)))

    def due(self, instance_id: int, now: datetime) -> list[str]:
        rows = self._connection.execute(
            "SELECT target FROM tasks WHERE instance_id = ? AND state = 'RESCHEDULED' AND next_try_at <= ?",
            (instance_id, instant(now)),
        )
        return [target for (target,) in rows]

    def processes(self, instance_id: int) -> list[TaskProcess]:
        rows = self._connection.execute(
            "SELECT target, pid, pid_started FROM tasks WHERE instance_id = ? AND state = 'RUNNING'"
            " AND pid IS NOT NULL ORDER BY position, target",
            (instance_id,),
        )
        return [TaskProcess(*row) for row in rows]

    def at_work(self, instance_id: int, targets: Sequence[str]) -> dict[str, AtWork]:
        found: dict[str, AtWork] = {}
        for names in chunks(list(targets)):
            sql = _AT_WORK.format(marks(len(names)))
            for row in self._connection.execute(sql, (instance_id, *names)):
                found[row[0]] = AtWork(*row)
        return found

    def count_end(self, instance_id: int, *, epoch: int, failed: bool) -> None:
        self._connection.execute(_COUNT_END, (int(failed), instance_id, epoch))

    def freeze(
        self,
        instance_id: int,
        targets: Sequence[tuple[str, Mapping[str, Any]]],
        move: Move,
        *,
        at: datetime,
        who: str,
        inventory: str | None = None,
    ) -> None:
        self._connection.execute("DELETE FROM tasks WHERE instance_id = ?", (instance_id,))
        self._connection.executemany(
            _FREEZE,
            (
                (instance_id, target, position, as_json(values), inventory)
                for position, (target, values) in enumerate(targets)
            ),
        )
        at_text, add = instant(at), self._events.add
        for target, _ in targets:
            subject = f"{instance_id}/{target}"
            add((at_text, "task", subject, move.event, move.row, move.before, move.after, who, "", "{}",
                 instance_id))  # fmt: skip

    def move_all(
        self,
        instance_id: int,
        moves: Mapping[str, Move],
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> int:
        moved = 0
        for move in moves.values():
            targets = [
                target
                for (target,) in self._connection.execute(
                    "SELECT target FROM tasks WHERE instance_id = ? AND state = ? ORDER BY position",
                    (instance_id, move.before),
                )
            ]
            for target in targets:
                self.move(instance_id, target, move, epoch=epoch, at=at, who=who, why=why, **changes)
            moved += len(targets)
        return moved

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
        try:
            moved = self._connection.execute(
                sql + extra + _GUARD, (*values, *cells, instance_id, target, move.before, epoch)
            )
        except sqlite3.IntegrityError as problem:
            raise self._taken(instance_id, target) or problem from problem
        if moved.rowcount != 1:
            raise self._changed(instance_id, target, move, epoch)
        self._events.add(
            (at_text, "task", f"{instance_id}/{target}", move.event, move.row, move.before, move.after, who,
             why, "{}", instance_id)
        )  # fmt: skip

    def _taken(self, instance_id: int, target: str) -> TargetAtWork | None:
        other = self.at_work(instance_id, [target]).get(target)
        if other is None:
            return None
        return TargetAtWork(f"instance {other.instance_id} of {other.job} works on target {target}")

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
    (
        id, target, state, attempt, last_triggered_at, next_try_at, reason, progress, metrics, said, position,
        values, expires_at, completed_at, failures, crashes, error, info,
    ) = row  # fmt: skip
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
        position,
        from_json_map(values),
        as_instant_or_none(expires_at),
        as_instant_or_none(completed_at),
        failures,
        crashes,
        from_json_map_or_none(error),
        from_yaml(info),
    )


def _open(row: Any) -> OpenTask:
    target, position, state, attempt, next_try_at, expires_at, failures, crashes = row
    return OpenTask(
        target,
        position,
        state,
        attempt,
        as_instant_or_none(next_try_at),
        as_instant_or_none(expires_at),
        failures,
        crashes,
    )


_TASKS = Rows("tasks", _record, lambda row: f"task {row[1]} of run {row[0]}")
_OPEN_TASKS = Rows("tasks", _open, lambda row: f"task {row[0]}")
