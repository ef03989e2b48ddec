"""Crash drills: what the last one of each job found."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from runner.store.drills import DrillRecord
from runner.store.sqlite.cells import as_instant, as_json, from_json_map, instant
from runner.store.sqlite.damage import Rows

_SELECT = "SELECT job, digest, verdict, at, who, checkpoints, kills, difference, ignored FROM drills"


class Drills:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, job: str) -> DrillRecord | None:
        return _DRILLS.one(self._connection.execute(f"{_SELECT} WHERE job = ?", (job,)).fetchone())

    def all(self) -> list[DrillRecord]:
        return _DRILLS.all(self._connection, self._connection.execute(f"{_SELECT} ORDER BY job"))

    def put(self, drill: DrillRecord) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO drills"
            " (job, digest, verdict, at, who, checkpoints, kills, difference, ignored)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                drill.job,
                drill.digest,
                drill.verdict,
                instant(drill.at),
                drill.who,
                drill.checkpoints,
                drill.kills,
                as_json(drill.difference),
                as_json(list(drill.ignored)),
            ),
        )


def _record(row: Any) -> DrillRecord:
    job, digest, verdict, at, who, checkpoints, kills, difference, ignored = row
    if verdict not in ("proven", "refuted"):
        raise ValueError(f"{verdict!r} is no verdict")
    return DrillRecord(
        job=job,
        digest=digest,
        verdict=verdict,
        at=as_instant(at),
        who=who,
        checkpoints=checkpoints,
        kills=kills,
        difference=from_json_map(difference),
        ignored=tuple(map(str, json.loads(ignored))),
    )


_DRILLS = Rows("drills", _record, lambda row: f"the crash drill of job {row[0]}")
