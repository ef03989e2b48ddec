"""External runs: until when another system is waited for, and how far the call of its webhook is."""

from __future__ import annotations

import sqlite3
from typing import Any

from runner.store.damage import damaged
from runner.store.external_runs import ExternalRun, LiveExternalRun
from runner.store.sqlite.cells import (
    as_instant,
    as_instant_or_none,
    as_json_or_none,
    from_json_map_or_none,
    instant,
    instant_or_none,
)
from runner.store.sqlite.damage import Rows

_COLUMNS = (
    "e.instance_id, e.epoch, e.means, e.silent_at, e.heard_at, e.number, e.call_at, e.calls,"
    " e.accepted_at, e.perhaps_heard, e.call_error"
)


class ExternalRuns:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, instance_id: int) -> ExternalRun | None:
        row = self._connection.execute(
            f"SELECT {_COLUMNS} FROM external_runs e WHERE instance_id = ?",  # noqa: S608
            (instance_id,),
        ).fetchone()
        return _RUNS.one(row)

    def live(self) -> list[LiveExternalRun]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, i.job_uid, i.state FROM job_instances i INDEXED BY instances_unfinished"  # noqa: S608
            " JOIN external_runs e ON e.instance_id = i.id AND e.epoch = i.epoch"
            " WHERE i.completed_at IS NULL AND i.state IN ('RUNNING', 'PAUSING', 'STOPPING', 'UNKNOWN')"
            " ORDER BY i.id"
        )
        return _LIVE.all(self._connection, rows)

    def report_key(self) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = 'report_key'").fetchone()
        if row is None or len(row[0]) < 32:
            raise damaged("the key for reports", "meta", "it is missing or too short")
        return str(row[0])

    def put(self, run: ExternalRun) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO external_runs (instance_id, epoch, means, silent_at, heard_at,"
            " number, call_at, calls, accepted_at, perhaps_heard, call_error)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run.instance_id,
                run.epoch,
                run.means,
                instant(run.silent_at),
                instant_or_none(run.heard_at),
                run.number,
                instant_or_none(run.call_at),
                run.calls,
                instant_or_none(run.accepted_at),
                int(run.perhaps_heard),
                as_json_or_none(run.call_error),
            ),
        )


def _record(row: Any) -> ExternalRun:
    (
        instance_id, epoch, means, silent_at, heard_at, number, call_at, calls, accepted_at,
        perhaps_heard, call_error,
    ) = row  # fmt: skip
    return ExternalRun(
        instance_id=instance_id,
        epoch=epoch,
        means=means,
        silent_at=as_instant(silent_at),
        heard_at=as_instant_or_none(heard_at),
        number=number,
        call_at=as_instant_or_none(call_at),
        calls=calls,
        accepted_at=as_instant_or_none(accepted_at),
        perhaps_heard=bool(perhaps_heard),
        call_error=from_json_map_or_none(call_error),
    )


def _live(row: Any) -> LiveExternalRun:
    return LiveExternalRun(_record(row[:-2]), row[-2], row[-1])


_RUNS = Rows("external_runs", _record, lambda row: f"the external run {row[0]}")
_LIVE = Rows("external_runs", _live, lambda row: f"the external run {row[0]}")
