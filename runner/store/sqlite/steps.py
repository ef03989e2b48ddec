"""Steps: what a task goes through, each with its timestamps."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.machine import Move
from runner.store.sqlite.cells import (
    as_instant_or_none,
    as_json,
    as_json_or_none,
    chunks,
    from_json_map,
    from_json_map_or_none,
    instant,
    marks,
)
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.store.steps import NewStep, StepRecord
from runner.vocabulary.errors import ChangedMeanwhile

_SELECT = (
    "SELECT instance_id, target, position, name, kind, state, started_at, first_started_at, skipped_at,"
    " completed_at, error, remedy, outputs, attempt FROM steps"
)
_CREATE = (
    "INSERT INTO steps (instance_id, target, position, name, kind, remedy) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (instance_id, target, name) DO NOTHING"
)
# What the timestamps of each state are (?1 = now, ?2 = outputs, ?3 = error); an unused one stays NULL.
_EFFECTS = {
    "STARTED": "started_at = ?1, first_started_at = ifnull(first_started_at, ?1), attempt = attempt + 1",
    "SKIPPED": "skipped_at = ?1, started_at = NULL, completed_at = NULL, error = NULL,"
    " outputs = ifnull(?2, '{}')",
    "COMPLETED": "completed_at = ?1, outputs = ifnull(?2, '{}'), error = NULL",
    "FAILED": "completed_at = ?1, outputs = ifnull(?2, '{}'), error = ifnull(?3, '{}')",
    "PENDING": "started_at = NULL, completed_at = NULL, error = NULL",
}
_MOVES = {
    after: f"UPDATE steps SET state = '{after}', {effect}"  # noqa: S608
    " WHERE instance_id = ?4 AND target = ?5 AND name = ?6 AND state = ?7"
    " AND (SELECT epoch FROM job_instances WHERE id = ?4) = ?8"
    for after, effect in _EFFECTS.items()
}


class Steps:
    def __init__(self, connection: sqlite3.Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def of(self, instance_id: int, target: str | None = None) -> list[StepRecord]:
        wanted = "" if target is None else " AND target = ?"
        rows = self._connection.execute(
            f"{_SELECT} WHERE instance_id = ?{wanted} ORDER BY target, position",
            (instance_id,) if target is None else (instance_id, target),
        )
        return _STEPS.all(self._connection, rows)

    def of_targets(self, instance_id: int, targets: Sequence[str]) -> dict[str, list[StepRecord]]:
        return {target: self.of(instance_id, target) for target in targets}

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[StepRecord]]:
        found: dict[int, list[StepRecord]] = {id: [] for id in instance_ids}
        for ids in chunks(list(found)):
            rows = self._connection.execute(
                f"{_SELECT} WHERE instance_id IN ({marks(len(ids))}) ORDER BY instance_id, target, position",
                ids,
            )
            for step in _STEPS.all(self._connection, rows):
                found[step.instance_id].append(step)
        return found

    def create_all(self, instance_id: int, target: str, steps: Sequence[NewStep]) -> None:
        self._connection.executemany(
            _CREATE,
            [
                (instance_id, target, position, step.name, step.kind, step.remedy)
                for position, step in enumerate(steps)
            ],
        )

    def move(
        self,
        instance_id: int,
        target: str,
        name: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        outputs: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        at_text = instant(at)
        error_text = as_json_or_none(error)
        details = "{}" if error_text is None else f'{{"error":{error_text}}}'
        if move.before == "FAILED":
            details = self._failure_of(instance_id, target, name)
        moved = self._connection.execute(
            _MOVES[move.after],
            (
                at_text,
                as_json(outputs) if outputs else None,
                error_text,
                instance_id,
                target,
                name,
                move.before,
                epoch,
            ),
        )
        if moved.rowcount != 1:
            raise self._changed(instance_id, target, name, move, epoch)
        self._events.add(
            (at_text, "step", f"{instance_id}/{target}/{name}", move.event, move.row, move.before, move.after,
             who, why, details, instance_id)
        )  # fmt: skip

    def _failure_of(self, instance_id: int, target: str, name: str) -> str:
        """What the event keeps when a failure is reopened or skipped (S7, S8)."""
        row = self._connection.execute(
            "SELECT attempt, started_at, completed_at, error FROM steps"
            " WHERE instance_id = ? AND target = ? AND name = ?",
            (instance_id, target, name),
        ).fetchone()
        if row is None:
            return "{}"
        attempt, started_at, completed_at, error = row
        return as_json(
            {
                "attempt": attempt,
                "started_at": started_at,
                "completed_at": completed_at,
                "error": from_json_map_or_none(error),
            }
        )

    def _changed(self, instance_id: int, target: str, name: str, move: Move, epoch: int) -> ChangedMeanwhile:
        row = self._connection.execute(
            "SELECT s.state, i.epoch FROM steps s JOIN job_instances i ON i.id = s.instance_id"
            " WHERE s.instance_id = ? AND s.target = ? AND s.name = ?",
            (instance_id, target, name),
        ).fetchone()
        found = f"is {row[0]} at epoch {row[1]}" if row else "does not exist"
        return ChangedMeanwhile(
            f"Step {name} of run {instance_id} was expected {move.before} at epoch {epoch}, and {found};"
            " nothing was changed"
        )


def _record(row: Any) -> StepRecord:
    id, target, position, name, kind, state, started, first, skipped, completed, error, remedy, outputs, n = (
        row
    )
    return StepRecord(
        id,
        target,
        position,
        name,
        kind,
        state,
        as_instant_or_none(started),
        as_instant_or_none(first),
        as_instant_or_none(skipped),
        as_instant_or_none(completed),
        from_json_map_or_none(error),
        remedy,
        from_json_map(outputs),
        n,
    )


_STEPS = Rows("steps", _record, lambda row: f"step {row[3]} of run {row[0]}")
