"""Instances: the guarded writes of a run's life."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.lifecycle.instance import TERMINAL
from runner.lifecycle.machine import Move
from runner.store.instances import NewInstance, PrunedInstance
from runner.store.sqlite.cells import as_json, instant, instant_or_none
from runner.store.sqlite.changes import INSTANCE_COLUMNS, Changes
from runner.store.sqlite.events import Events
from runner.store.sqlite.instance_reads import InstancesRead
from runner.store.sqlite.prune import prune
from runner.store.sqlite.slots import Slots
from runner.vocabulary.errors import ChangedMeanwhile

_CREATE = (
    "INSERT INTO job_instances (job, state, reason, origin, job_uid, schedule, slot_key, slot_at, slot_local,"
    " due_at, start_deadline, expires_at, created_at, digest, revision, inputs, trigger, rerun_of,"
    " requested_by) VALUES (?, 'SCHEDULED', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (job_uid, slot_key) DO NOTHING"
)
_CREATE_TASK = "INSERT INTO tasks (instance_id, target, state) VALUES (?, ?, 'SCHEDULED')"
_CLAIM = (
    "UPDATE job_instances SET state = ?, epoch = epoch + 1, attempt = attempt + (reason IN ('slot', 'manual',"
    " 'retry')), started_at = ?, first_started_at = ifnull(first_started_at, ?), session_id = ?, pid = NULL,"
    " pid_started = NULL, boot_id = NULL, progress = NULL, error = NULL"
)
_ENDED_BY_FORCE = frozenset({"PAUSING", "STOPPING", "UNKNOWN"})
_WITH_PAUSES = frozenset({"PAUSING", "PAUSED", "STOPPING"})
# Its own, and what runs that ended otherwise kept "until next success" (I14). What a run that succeeded in
# part has kept is for retry-failed.
_FORGET_STATE = (
    "DELETE FROM job_state_data WHERE job_uid = (SELECT job_uid FROM job_instances WHERE id = ?1)"
    " AND (instance_id = ?1 OR EXISTS (SELECT 1 FROM job_instances i WHERE i.id = instance_id"
    " AND i.state IN ('FAILED', 'CANCELLED', 'REPLACED')))"
)
_GUARD = " WHERE id = ? AND state = ? AND epoch = ?"
# Whoever was taken for dead claims nothing any more: another daemon has ended its session.
_IN_SESSION = (
    " AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.id = ? AND s.kind = 'up' AND s.ended_at IS NOT NULL)"
)
_ROW_OF_ORIGIN = {"slot": ("I1", "create_slot"), "manual": ("I2", "create_manual")}


class Instances(InstancesRead):
    def __init__(self, connection: sqlite3.Connection, slots: Slots, events: Events) -> None:
        super().__init__(connection)
        self._slots = slots
        self._events = events
        self._changes = Changes(INSTANCE_COLUMNS)

    def create(self, new: NewInstance, *, who: str, at: datetime, why: str = "") -> int | None:
        at_text = instant(at)
        slot_at = instant_or_none(new.slot_at)
        due_at = slot_at if new.due_at is new.slot_at else instant(new.due_at)
        created = self._connection.execute(
            _CREATE,
            (
                new.job,
                new.reason,
                new.origin,
                new.job_uid,
                new.schedule,
                new.slot_key,
                slot_at,
                new.slot_local,
                due_at,
                instant_or_none(new.start_deadline),
                instant_or_none(new.expires_at),
                at_text,
                new.digest,
                new.revision,
                as_json(new.inputs),
                as_json(new.trigger),
                new.rerun_of,
                new.requested_by,
            ),
        )
        id = created.lastrowid
        if created.rowcount != 1 or id is None:
            return None
        if new.schedule is not None and not self._slots.take(
            new.job_uid,
            new.slot_key,
            schedule=new.schedule,
            slot_at=slot_at or due_at or "",
            reason=new.reason,
            id=id,
            at=at_text,
        ):
            # The ledger remembers a slot that was skipped, or whose run has been pruned.
            self._connection.execute("DELETE FROM job_instances WHERE id = ?", (id,))
            return None
        row, event = _ROW_OF_ORIGIN.get(new.origin, ("I3", "create_follow_up"))
        subject = str(id)
        add = self._events.add
        add((at_text, "instance", subject, event, row, "NEW", "SCHEDULED", who, why, "{}", id))
        for target in new.targets:
            self._connection.execute(_CREATE_TASK, (id, target))
            add((at_text, "task", f"{id}/{target}", "create", "T1", "NEW", "SCHEDULED", who, "", "{}", id))
        return id

    def claim(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        session_id: int | None = None,
        **changes: Any,
    ) -> int:
        at_text = instant(at)
        extra, cells = self._changes.assignments(changes) if changes else ("", [])
        claimed = self._connection.execute(
            _CLAIM + extra + _GUARD + _IN_SESSION,
            (move.after, at_text, at_text, session_id, *cells, id, move.before, epoch, session_id),
        )
        if claimed.rowcount != 1:
            raise self._changed(id, move, epoch)
        self._events.add(
            (at_text, "instance", str(id), move.event, move.row, move.before, move.after, who, why,
             f'{{"epoch":{epoch + 1}}}', id)
        )  # fmt: skip
        return epoch + 1

    def move(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        details: Mapping[str, Any] | None = None,
        raise_epoch: bool = False,
        **changes: Any,
    ) -> None:
        at_text = instant(at)
        extra, cells = self._changes.assignments(changes) if changes else ("", [])
        sql = "UPDATE job_instances SET state = ?"
        values: list[Any] = [move.after]
        ends = move.after in TERMINAL
        if ends:
            sql += ", completed_at = ?"
            values.append(at_text)
        if raise_epoch:
            sql += ", epoch = epoch + 1"
        if move.before in _ENDED_BY_FORCE and "forced_at" not in changes:
            sql += ", forced_at = NULL"
        if move.before in _WITH_PAUSES and move.after not in _WITH_PAUSES:
            sql += ", pauses = '', paused_at = NULL, resume_as = NULL"
        moved = self._connection.execute(sql + extra + _GUARD, (*values, *cells, id, move.before, epoch))
        if moved.rowcount != 1:
            raise self._changed(id, move, epoch)
        if move.after == "SUCCEEDED":
            self._connection.execute(_FORGET_STATE, (id,))
        text = as_json(details) if details else "{}"
        self._events.add(
            (at_text, "instance", str(id), move.event, move.row, move.before, move.after, who, why, text, id)
        )

    def update(self, id: int, *, epoch: int, **changes: Any) -> None:
        extra, cells = self._changes.assignments(changes)
        updated = self._connection.execute(
            f"UPDATE job_instances SET epoch = epoch{extra} WHERE id = ? AND epoch = ?",  # noqa: S608
            (*cells, id, epoch),
        )
        if updated.rowcount != 1:
            raise self._changed(id, None, epoch)

    def prune(
        self, job_uid: str, *, keep: int | None, before: datetime | None, limit: int = 1000
    ) -> list[PrunedInstance]:
        return prune(self._connection, self._events, job_uid, keep=keep, before=before, limit=limit)

    def _changed(self, id: int, move: Move | None, epoch: int) -> ChangedMeanwhile:
        row = self._connection.execute(
            "SELECT state, epoch FROM job_instances WHERE id = ?", (id,)
        ).fetchone()
        expected = f"{move.before} at epoch {epoch}" if move else f"at epoch {epoch}"
        found = f"is {row[0]} at epoch {row[1]}" if row else "does not exist"
        return ChangedMeanwhile(f"Run {id} was expected {expected}, and {found}; nothing was changed")
