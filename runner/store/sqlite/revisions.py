"""Revisions: every content an object has had; a run is pinned to one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from runner.store.damage import NOW_DECLARED, damaged
from runner.store.objects import NewObject
from runner.store.revisions import RevisionRecord
from runner.store.sqlite.cells import as_instant, as_json, flag, from_json_map
from runner.store.sqlite.damage import Rows, note

_SELECT = (
    "SELECT object_uid, revision, digest, execution_digest, declared, resolved, files, source, file, line,"
    " git_commit, git_dirty, created_at, who FROM revisions"
)


class Revisions:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def of(self, uid: str) -> list[RevisionRecord]:
        rows = self._connection.execute(f"{_SELECT} WHERE object_uid = ? ORDER BY revision DESC", (uid,))
        return _REVISIONS.all(self._connection, rows)

    def get(self, uid: str, digest: str) -> dict[str, Any] | None:
        row = self._connection.execute(
            "SELECT resolved FROM revisions WHERE object_uid = ? AND digest = ?"
            " ORDER BY revision DESC LIMIT 1",
            (uid, digest),
        ).fetchone()
        try:
            return None if row is None else from_json_map(row[0])
        except ValueError as problem:
            raise damaged(f"a revision of object {uid}", "revisions", problem, NOW_DECLARED) from problem

    def record(self, uid: str, digest: str) -> RevisionRecord | None:
        row = self._connection.execute(
            f"{_SELECT} WHERE object_uid = ? AND digest = ? ORDER BY revision DESC LIMIT 1", (uid, digest)
        ).fetchone()
        return _REVISIONS.one(row)

    def blobs_in_use(self) -> set[str]:
        rows: Iterable[tuple[str]] = self._connection.execute(
            "SELECT r.files FROM objects o JOIN revisions r"
            " ON r.object_uid = o.uid AND r.revision = o.revision WHERE o.removed_at IS NULL"
            " UNION SELECT r.files FROM job_instances i INDEXED BY instances_unfinished JOIN revisions r"
            " ON r.object_uid = i.job_uid AND r.digest = i.digest WHERE i.completed_at IS NULL"
        )
        found: set[str] = set()
        for (files,) in rows:
            try:
                found.update(map(str, from_json_map(files).values()))
            except ValueError as problem:
                note(self._connection, damaged("the files of an object", "revisions", problem, NOW_DECLARED))
        return found

    def add(self, uid: str, revision: int, new: NewObject, at: str, who: str) -> None:
        self._connection.execute(
            "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                uid,
                revision,
                new.digest,
                new.execution_digest,
                as_json(new.declared),
                as_json(new.resolved),
                as_json(new.files),
                new.source,
                new.file,
                new.line,
                new.commit,
                flag(new.dirty),
                at,
                who,
            ),
        )


def _record(row: Any) -> RevisionRecord:
    (
        uid,
        revision,
        digest,
        execution,
        declared,
        resolved,
        files,
        source,
        file,
        line,
        commit,
        dirty,
        at,
        who,
    ) = row
    return RevisionRecord(
        uid=uid,
        revision=revision,
        digest=digest,
        execution_digest=execution,
        declared=from_json_map(declared),
        resolved=from_json_map(resolved),
        files=from_json_map(files),
        source=source,
        file=file,
        line=line,
        commit=commit,
        dirty=bool(dirty),
        created_at=as_instant(at),
        who=who,
    )


_REVISIONS = Rows("revisions", _record, lambda row: f"revision {row[1]} of object {row[0]}", NOW_DECLARED)
