"""Git sources and quarantines: how a source stands, and what a rollback has pinned."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.sources import QuarantineRecord, SourceRecord
from runner.store.sqlite.cells import (
    as_instant,
    as_instant_or_none,
    as_json,
    from_json_map,
    instant,
    instant_or_none,
)
from runner.store.sqlite.damage import Rows
from runner.vocabulary.identity import Address

_SOURCES_SELECT = (
    "SELECT name, url, ref, path, attempted, attempted_ref, attempted_at, applied, applied_ref, applied_at,"
    " checked_at, next_at, failures, conditions, asked_at, asked_by, answered_at FROM sources"
)
_QUARANTINES_SELECT = (
    "SELECT id, source, kind, name, object_uid, revision, bad_commit, bad_digest, bad_own, bad_serial,"
    " to_serial, since, who, why, ended_at, ended_by FROM quarantines"
)


class Sources:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> list[SourceRecord]:
        return _SOURCES.all(self._connection, self._connection.execute(f"{_SOURCES_SELECT} ORDER BY name"))

    def get(self, name: str) -> SourceRecord | None:
        row = self._connection.execute(f"{_SOURCES_SELECT} WHERE name = ?", (name,)).fetchone()
        return _SOURCES.one(row)

    def put(self, source: SourceRecord) -> None:
        self._connection.execute(
            "INSERT INTO sources (name, url, ref, path, attempted, attempted_ref, attempted_at, applied,"
            " applied_ref, applied_at, checked_at, next_at, failures, conditions)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " url = excluded.url, ref = excluded.ref, path = excluded.path, attempted = excluded.attempted,"
            " attempted_ref = excluded.attempted_ref, attempted_at = excluded.attempted_at,"
            " applied = excluded.applied, applied_ref = excluded.applied_ref,"
            " applied_at = excluded.applied_at, checked_at = excluded.checked_at,"
            " next_at = excluded.next_at, failures = excluded.failures, conditions = excluded.conditions",
            (
                source.name,
                source.url,
                source.ref,
                source.path,
                source.attempted,
                source.attempted_ref,
                instant_or_none(source.attempted_at),
                source.applied,
                source.applied_ref,
                instant_or_none(source.applied_at),
                instant_or_none(source.checked_at),
                instant_or_none(source.next_at),
                source.failures,
                as_json(source.conditions),
            ),
        )

    def ask(self, name: str, *, at: datetime, who: str) -> bool:
        changed = self._connection.execute(
            "UPDATE sources SET asked_at = ?, asked_by = ? WHERE name = ?", (instant(at), who, name)
        )
        return changed.rowcount > 0

    def answer(self, name: str, asked_at: datetime) -> None:
        self._connection.execute(
            "UPDATE sources SET answered_at = ? WHERE name = ?", (instant(asked_at), name)
        )

    def drop(self, name: str) -> None:
        self._connection.execute("DELETE FROM sources WHERE name = ?", (name,))


class Quarantines:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def active(self, source: str | None = None) -> list[QuarantineRecord]:
        rows = self._connection.execute(
            f"{_QUARANTINES_SELECT} WHERE ended_at IS NULL AND (?1 IS NULL OR source = ?1)"
            " ORDER BY kind, name",
            (source,),
        )
        return _QUARANTINES.all(self._connection, rows)

    def of_source(self, source: str) -> list[QuarantineRecord]:
        rows = self._connection.execute(f"{_QUARANTINES_SELECT} WHERE source = ? ORDER BY id DESC", (source,))
        return _QUARANTINES.all(self._connection, rows)

    def begin(self, quarantine: QuarantineRecord) -> None:
        self._connection.execute(
            "UPDATE quarantines SET ended_at = ?, ended_by = 'a later rollback'"
            " WHERE kind = ? AND name = ? AND ended_at IS NULL",
            (instant(quarantine.since), *quarantine.address),
        )
        self._connection.execute(
            "INSERT INTO quarantines (source, kind, name, object_uid, revision, bad_commit, bad_digest,"
            " bad_own, bad_serial, to_serial, since, who, why)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                quarantine.source,
                *quarantine.address,
                quarantine.uid,
                quarantine.revision,
                quarantine.bad_commit,
                quarantine.bad_digest,
                quarantine.bad_own,
                quarantine.bad_serial,
                quarantine.to_serial,
                instant(quarantine.since),
                quarantine.who,
                quarantine.why,
            ),
        )

    def end(self, id: int, *, at: datetime, by: str) -> bool:
        changed = self._connection.execute(
            "UPDATE quarantines SET ended_at = ?, ended_by = ? WHERE id = ? AND ended_at IS NULL",
            (instant(at), by, id),
        )
        return changed.rowcount > 0


def _source(row: Any) -> SourceRecord:
    (
        name, url, ref, path, attempted, attempted_ref, attempted_at, applied, applied_ref, applied_at,
        checked_at, next_at, failures, conditions, asked_at, asked_by, answered_at,
    ) = row  # fmt: skip
    return SourceRecord(
        name=name,
        url=url,
        ref=ref,
        path=path,
        attempted=attempted,
        attempted_ref=attempted_ref,
        attempted_at=as_instant_or_none(attempted_at),
        applied=applied,
        applied_ref=applied_ref,
        applied_at=as_instant_or_none(applied_at),
        checked_at=as_instant_or_none(checked_at),
        next_at=as_instant_or_none(next_at),
        failures=failures,
        conditions=from_json_map(conditions),
        asked_at=as_instant_or_none(asked_at),
        asked_by=asked_by,
        answered_at=as_instant_or_none(answered_at),
    )


def _quarantine(row: Any) -> QuarantineRecord:
    (
        id, source, kind, name, uid, revision, bad_commit, bad_digest, bad_own, bad_serial, to_serial, since,
        who, why, ended_at, ended_by,
    ) = row  # fmt: skip
    return QuarantineRecord(
        id=id,
        source=source,
        address=Address(kind, name),
        uid=uid,
        revision=revision,
        bad_commit=bad_commit,
        bad_digest=bad_digest,
        bad_own=bad_own,
        bad_serial=bad_serial,
        to_serial=to_serial,
        since=as_instant(since),
        who=who,
        why=why,
        ended_at=as_instant_or_none(ended_at),
        ended_by=ended_by,
    )


_SOURCES = Rows("sources", _source, lambda row: f"the git source {row[0]}")
_QUARANTINES = Rows("quarantines", _quarantine, lambda row: f"the quarantine of {row[2]}/{row[3]}")
