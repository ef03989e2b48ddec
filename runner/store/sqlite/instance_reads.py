"""Instances as they are read: lists for people, and the short questions of the daemon."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.instance import TERMINAL
from runner.store.instances import InstanceEnd, InstanceRecord, LatestInstance, LockHolder
from runner.store.sqlite.cells import (
    as_instant,
    as_instant_or_none,
    chunks,
    from_json_map,
    from_yaml,
    instant,
    marks,
)
from runner.store.sqlite.damage import Rows

COLUMNS = ", ".join(InstanceRecord._fields)
_SELECT = f"SELECT {COLUMNS} FROM job_instances"  # noqa: S608
# The index is named: for the sake of their order SQLite would rather walk over the whole history.
_UNFINISHED = "INDEXED BY instances_unfinished WHERE completed_at IS NULL"
_LIVE = "state IN ('RUNNING', 'PAUSING', 'STOPPING', 'UNKNOWN')"
_OPEN = (
    "(state IN ('RUNNING', 'PAUSING', 'PAUSED', 'STOPPING', 'UNKNOWN')"
    " OR (state = 'SCHEDULED' AND attempt > 0))"
)
# By indexes, around what only waits: nothing walks over that, or over what ended long ago.
_OPEN_STATES = " UNION ALL ".join(
    f"SELECT id, state FROM job_instances INDEXED BY {index}"  # noqa: S608
    f" WHERE job_uid = ?1 AND completed_at IS NULL AND state {those}"
    for index, those in (
        ("instances_unfinished", "< 'SCHEDULED'"),
        ("instances_unfinished", "> 'SCHEDULED'"),
        ("instances_begun", "= 'SCHEDULED' AND attempt > 0"),
    )
)
# What has a deadline is found by that, and not among all that waits.
_TO_EXPIRE = {
    at: f" FROM job_instances INDEXED BY {index} WHERE completed_at IS NULL AND {at} IS NOT NULL AND {which}"
    for at, index, which in (
        ("start_deadline", "instances_to_begin", "attempt = 0 AND state = 'SCHEDULED'"),
        ("expires_at", "instances_to_expire", "state IN ('SCHEDULED', 'PAUSED')"),
    )
}
_FORCED = (
    " FROM job_instances INDEXED BY instances_forced WHERE completed_at IS NULL AND forced_at IS NOT NULL"
)
_IN_THE_WAY = (
    f"SELECT id, state FROM job_instances {_UNFINISHED} AND job_uid = ?"  # noqa: S608
    " AND (state <> 'SCHEDULED' OR attempt > 0 OR due_at <= ?) ORDER BY id"
)
Records = list[InstanceRecord]
Ends = list[InstanceEnd]
Holders = list[LockHolder]


class InstancesRead:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, id: int) -> InstanceRecord | None:
        row = self._connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone()
        return _RUNS.one(row)

    def existing(self, ids: Iterable[int]) -> set[int]:
        found: set[int] = set()
        for portion in chunks([*ids]):
            query = f"SELECT id FROM job_instances WHERE id IN ({marks(len(portion))})"  # noqa: S608
            found.update(id for (id,) in self._connection.execute(query, portion))
        return found

    def list(
        self,
        job: str | None = None,
        states: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = 50,
        job_uid: str | None = None,
    ) -> Records:
        source = "WHERE true"
        conditions: list[str] = []
        values: list[Any] = []
        if job_uid is not None:
            conditions.append("job_uid = ?")
            values.append(job_uid)
        if job is not None:
            uid = self._uid_of(job)
            conditions.append("job = ?" if uid is None else "job_uid = ?")
            values.append(job if uid is None else uid)
        if states is not None:
            wanted = list(states)
            conditions.append(f"state IN ({marks(len(wanted))})")
            values += wanted
            if not TERMINAL.intersection(wanted):
                source = _UNFINISHED
        if since is not None:
            conditions.append("created_at >= ?")
            values.append(instant(since))
        where = " AND ".join([source, *conditions])
        return self._list(f" {where} ORDER BY id DESC LIMIT ?", (*values, -1 if limit is None else limit))

    def waiting(
        self,
        due_before: datetime | None = None,
        limit: int | None = None,
        without: Iterable[int] = (),
        without_new_of: Iterable[str] = (),
    ) -> Records:
        due_at = "9999" if due_before is None else instant(due_before)
        ids, jobs = [*without], [*without_new_of]
        # The text of `trigger` is not taken apart: one damaged row would stop all starts.
        conditions = " WHERE state = 'SCHEDULED' AND due_at <= ?"
        values: list[Any] = [due_at]
        if ids:
            conditions += " AND id NOT IN (SELECT value FROM json_each(?))"
            values.append(json.dumps(ids))
        if jobs:
            conditions += (
                " AND NOT (epoch = 0 AND job_uid IN (SELECT value FROM json_each(?))"
                """ AND trigger NOT LIKE '%"force":true%')"""
            )
            values.append(json.dumps(jobs))
        return self._list(
            f"{conditions} ORDER BY due_at, id LIMIT ?", (*values, -1 if limit is None else limit)
        )

    def late(self, now: datetime) -> Records:
        passed = " UNION ".join(f"SELECT id{source} AND {at} <= ?1" for at, source in _TO_EXPIRE.items())
        return self._list(f" WHERE id IN ({passed}) ORDER BY id", (instant(now),))

    def overdue(self, now: datetime) -> Records:
        passed = f"SELECT id{_FORCED} AND forced_at <= ?"
        return self._list(f" WHERE id IN ({passed}) ORDER BY id", (instant(now),))

    def next_due(self, after: datetime | None = None) -> datetime | None:
        (due_at,) = self._connection.execute(
            "SELECT min(due_at) FROM job_instances WHERE state = 'SCHEDULED' AND due_at > ?",
            ("" if after is None else instant(after),),
        ).fetchone()
        return _NEXT.one((due_at,))

    def next_deadline(self) -> datetime | None:
        deadlines = {**_TO_EXPIRE, "forced_at": _FORCED}
        first = " UNION ALL ".join(f"SELECT min({at}) AS at{source}" for at, source in deadlines.items())
        (deadline,) = self._connection.execute(f"SELECT min(at) FROM ({first})").fetchone()  # noqa: S608
        return _NEXT.one((deadline,))

    def open_of(self, job_uid: str) -> Records:
        return self._list(f" {_UNFINISHED} AND job_uid = ? AND {_OPEN} ORDER BY id", (job_uid,))

    def open_states(self, job_uid: str) -> Sequence[tuple[int, str]]:
        return sorted(self._connection.execute(_OPEN_STATES, (job_uid,)).fetchall())

    def in_the_way(self, job_uid: str, now: datetime) -> Sequence[tuple[int, str]]:
        return self._connection.execute(_IN_THE_WAY, (job_uid, instant(now))).fetchall()

    def open_counts(self) -> dict[str, int]:
        return self._counts("job_uid", _OPEN)

    def unfinished_of(self, job_uid: str) -> Records:
        return self._list(f" {_UNFINISHED} AND job_uid = ? ORDER BY id", (job_uid,))

    def live(self) -> Records:
        return self._list(f" {_UNFINISHED} AND {_LIVE} ORDER BY id")

    def holders(self) -> Holders:
        rows = self._connection.execute(
            "SELECT id, job, state, locks, started_at FROM job_instances"  # noqa: S608
            f" WHERE completed_at IS NULL AND locks <> '' AND {_LIVE} ORDER BY id"
        )
        return _HOLDERS.all(self._connection, rows)

    def waiting_for_locks(self, now: datetime) -> Holders:
        rows = self._connection.execute(
            "SELECT id, job, state, locks, due_at FROM job_instances WHERE completed_at IS NULL"
            " AND locks <> '' AND state = 'SCHEDULED' AND due_at <= ? ORDER BY due_at, id",
            (instant(now),),
        )
        return _HOLDERS.all(self._connection, rows)

    def live_counts(self) -> dict[str, int]:
        return self._counts("job_uid", _LIVE)

    def counts(self) -> dict[str, int]:
        return self._counts("state", "true")

    def latest(self) -> dict[str, LatestInstance]:
        # One jump into the index a job, instead of a walk over the whole history.
        rows = self._connection.execute(
            "SELECT i.job_uid, i.id, i.state, i.progress, i.started_at FROM objects o JOIN job_instances i"
            " ON i.id = (SELECT max(id) FROM job_instances WHERE job_uid = o.uid)"
            " WHERE o.kind = 'Job' AND o.removed_at IS NULL"
        )
        return dict(_LATEST.all(self._connection, rows))

    def latest_of(self, job_uid: str, states: Iterable[str] | None = None) -> InstanceRecord | None:
        found = self.list(job_uid=job_uid, states=states, limit=1)
        return found[0] if found else None

    def ends_of(self, job_uid: str, limit: int = 100) -> Ends:
        rows = self._connection.execute(
            "SELECT id, state, origin, started_at, completed_at FROM job_instances WHERE job_uid = ?"
            " AND completed_at IS NOT NULL AND first_started_at IS NOT NULL"
            " ORDER BY id DESC LIMIT ?",
            (job_uid, limit),
        )
        return _ENDS.all(self._connection, rows)

    def _uid_of(self, job: str) -> str | None:
        """A moved job keeps its history by its identity; what is uninstalled is found by name."""
        query = "SELECT uid FROM objects WHERE kind = 'Job' AND name = ? AND removed_at IS NULL"
        row = self._connection.execute(query, (job,)).fetchone()
        return row and str(row[0])

    def _counts(self, column: str, condition: str) -> dict[str, int]:
        query = f"SELECT {column}, count(*) FROM job_instances {_UNFINISHED} AND {condition}"  # noqa: S608
        return dict(self._connection.execute(f"{query} GROUP BY {column}").fetchall())

    def _list(self, rest: str, values: tuple[Any, ...] = ()) -> Records:
        return _RUNS.all(self._connection, self._connection.execute(_SELECT + rest, values))


def _record(row: Any) -> InstanceRecord:
    (
        id, job_uid, job, state, origin, schedule, slot_key, slot_at, slot_local, due_at, reason, digest,
        revision, inputs, trigger, start_deadline, expires_at, rerun_of, requested_by, created_at, started_at,
        first_started_at, completed_at, attempt, epoch, failures, crashes, first_error_at, session_id, pid,
        pid_started, boot_id, progress, error, info, outputs, locks, replaced_by, metrics,
        forced_at, pauses, paused_at, resume_as, progress_said, targets, targets_ended, targets_failed,
    ) = row  # fmt: skip
    return InstanceRecord(
        id,
        job_uid,
        job,
        state,
        origin,
        schedule,
        slot_key,
        None if slot_at is None else as_instant(slot_at),
        slot_local,
        as_instant(due_at),
        reason,
        digest,
        revision,
        {} if inputs == "{}" else from_json_map(inputs),
        {} if trigger == "{}" else from_json_map(trigger),
        None if start_deadline is None else as_instant(start_deadline),
        None if expires_at is None else as_instant(expires_at),
        rerun_of,
        requested_by,
        as_instant(created_at),
        None if started_at is None else as_instant(started_at),
        None if first_started_at is None else as_instant(first_started_at),
        None if completed_at is None else as_instant(completed_at),
        attempt,
        epoch,
        failures,
        crashes,
        None if first_error_at is None else as_instant(first_error_at),
        session_id,
        pid,
        pid_started,
        boot_id,
        progress,
        None if error is None else from_json_map(error),
        {} if info == "" else from_yaml(info),
        {} if outputs == "{}" else from_json_map(outputs),
        tuple(locks.split()) if locks else (),
        replaced_by,
        {} if metrics == "{}" else from_json_map(metrics),
        None if forced_at is None else as_instant(forced_at),
        tuple(pauses.split(",")) if pauses else (),
        None if paused_at is None else as_instant(paused_at),
        resume_as,
        None if progress_said is None else from_json_map(progress_said),
        targets,
        targets_ended,
        targets_failed,
    )


def _latest(row: Any) -> tuple[str, LatestInstance]:
    uid, id, state, progress, started_at = row
    return uid, LatestInstance(id, state, progress, as_instant_or_none(started_at))


def _end(row: Any) -> InstanceEnd:
    id, state, origin, started_at, completed_at = row
    return InstanceEnd(id, state, origin, as_instant_or_none(started_at), as_instant(completed_at))


def _holder(row: Any) -> LockHolder:
    id, job, state, locks, since = row
    return LockHolder(id, job, state, tuple(locks.split()), as_instant(since))


_RUNS = Rows("job_instances", _record, lambda row: f"run {row[0]} of {row[2]}")
_LATEST = Rows("job_instances", _latest, lambda row: f"run {row[1]}")
_ENDS = Rows("job_instances", _end, lambda row: f"run {row[0]}")
_HOLDERS = Rows("job_instances", _holder, lambda row: f"run {row[0]} of {row[1]}")
_NEXT = Rows("job_instances", lambda row: as_instant_or_none(row[0]), lambda row: "the next due run")
