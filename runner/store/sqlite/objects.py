"""Objects: what is installed, and the guarded writes that carry a plan out."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, cast

from runner.store.objects import InstalledSummary, NewObject, ObjectRecord
from runner.store.sqlite.cells import (
    as_flag,
    as_instant,
    as_instant_or_none,
    as_json,
    flag,
    from_json_map,
    instant,
)
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.store.sqlite.revisions import Revisions
from runner.vocabulary.errors import ChangedMeanwhile
from runner.vocabulary.identity import Address

_SELECT = (
    "SELECT o.uid, o.kind, o.name, o.source, o.file, o.line, o.git_commit, o.git_dirty, o.revision, o.digest,"
    " o.execution_digest, o.labels, o.enabled, o.protected, o.prune_disabled, o.installed_at, o.updated_at,"
    " o.removed_at, r.declared, r.resolved, r.files"
    " FROM objects o JOIN revisions r ON r.object_uid = o.uid AND r.revision = o.revision"
)
_SUMMARIES = (
    "SELECT uid, kind, name, source, file, line, digest, execution_digest, revision,"
    " ifnull((enabled <> 0) + 1, 0) * 4 + (protected <> 0) * 2 + (prune_disabled <> 0)"
    " FROM objects WHERE removed_at IS NULL"
)
_summary = cast("Callable[[Any], InstalledSummary]", partial(tuple.__new__, InstalledSummary))
ENDS_WITH_REMOVAL = ("new", "git", "removed", "missing_ref", "expired", "finished")
"""Holds that go with an uninstalled object; what an operator or a failure put there waits for its return."""

BURIED = (
    "SELECT uid, revision FROM objects WHERE kind = ? AND name = ? AND removed_at IS NOT NULL"
    " ORDER BY removed_at DESC LIMIT 1"
)
_SCHEDULES = """
    SELECT each.schedules, count(*) FROM (
        SELECT CASE WHEN json_valid(r.resolved) AND r.resolved ->> '$.mode' IS NOT 'manual'
                    THEN r.resolved -> '$.schedules' END AS schedules
        FROM objects o JOIN revisions r ON r.object_uid = o.uid AND r.revision = o.revision
        WHERE o.kind = 'Job' AND o.removed_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM holds WHERE object_uid = o.uid)
    ) each WHERE each.schedules NOT IN ('{}', 'null') GROUP BY each.schedules
"""


class Objects:
    def __init__(self, connection: sqlite3.Connection, revisions: Revisions, events: Events) -> None:
        self._connection = connection
        self._revisions = revisions
        self._events = events

    def summaries(self, kind: str | None = None) -> list[InstalledSummary]:
        if kind is None:
            rows = self._connection.execute(_SUMMARIES)
        else:
            rows = self._connection.execute(f"{_SUMMARIES} AND kind = ?", (kind,))
        return list(map(_summary, rows))

    def get(self, address: Address) -> ObjectRecord | None:
        row = self._connection.execute(
            f"{_SELECT} WHERE o.kind = ? AND o.name = ? AND o.removed_at IS NULL", tuple(address)
        ).fetchone()
        return _OBJECTS.one(row)

    def by_uid(self, uid: str) -> ObjectRecord | None:
        row = self._connection.execute(f"{_SELECT} WHERE o.uid = ?", (uid,)).fetchone()
        return _OBJECTS.one(row)

    def all(self, kind: str | None = None) -> list[ObjectRecord]:
        if kind is None:
            query = f"{_SELECT} WHERE o.removed_at IS NULL ORDER BY o.kind, o.name"
            return _OBJECTS.all(self._connection, self._connection.execute(query))
        query = f"{_SELECT} WHERE o.removed_at IS NULL AND o.kind = ? ORDER BY o.name"
        return _OBJECTS.all(self._connection, self._connection.execute(query, (kind,)))

    def schedules(self) -> dict[str, int]:
        return dict(self._connection.execute(_SCHEDULES).fetchall())

    def tombstones(self) -> list[ObjectRecord]:
        query = f"{_SELECT} WHERE o.removed_at IS NOT NULL ORDER BY o.removed_at"
        return _OBJECTS.all(self._connection, self._connection.execute(query))

    def install(
        self, new: NewObject, *, at: datetime, who: str, why: str = "", uid: str | None = None
    ) -> str:
        if self.get(new.address) is not None:
            raise ChangedMeanwhile(f"{new.address} is installed already; nothing was changed")
        buried = self._connection.execute(BURIED, tuple(new.address)).fetchone()
        if buried is not None:
            uid, revision = buried[0], buried[1] + 1
            self._write(uid, revision, new, at)
            self._connection.execute(
                "UPDATE objects SET installed_at = ?, removed_at = NULL WHERE uid = ?", (instant(at), uid)
            )
        else:
            uid, revision = uid or _new_uid(), 1
            self._connection.execute(
                "INSERT INTO objects (uid, kind, name, source, file, line, git_commit, git_dirty, revision,"
                " digest, execution_digest, labels, enabled, protected, prune_disabled, installed_at,"
                " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (uid, new.kind, new.name, *_content(new, revision, at)[:-1], instant(at), instant(at)),
            )
        self._revisions.add(uid, revision, new, instant(at), who)
        row = "J1" if new.kind == "Job" else ""
        after = "DISABLED" if new.kind == "Job" else ""
        self._event(new.address, "installed", uid, at, who, why, row=row, before="ABSENT", after=after,
                    revision=revision, digest=new.digest)  # fmt: skip
        return uid

    def update(
        self, uid: str, new: NewObject, *, expected_digest: str, at: datetime, who: str, why: str = ""
    ) -> int:
        address, revision = self._expect(uid, expected_digest)
        if address != new.address:
            raise ChangedMeanwhile(f"{new.address} is installed as {address}; move it first")
        self._write(uid, revision + 1, new, at)
        self._revisions.add(uid, revision + 1, new, instant(at), who)
        self._event(address, "updated", uid, at, who, why, revision=revision + 1, digest=new.digest)
        return revision + 1

    def move(self, uid: str, to: Address, *, at: datetime, who: str, why: str = "") -> None:
        before, _ = self._expect(uid, None)
        if before.kind != to.kind or self.get(to) is not None:
            raise ChangedMeanwhile(f"{before} cannot become {to}, which is installed or of another kind")
        self._connection.execute(
            "UPDATE objects SET name = ?, updated_at = ? WHERE uid = ?", (to.name, instant(at), uid)
        )
        self._event(before, "moved", uid, at, who, why, before=str(before), after=str(to))
        self._event(to, "moved", uid, at, who, why, before=str(before), after=str(to))

    def relocate(self, uid: str, *, file: str, line: int, commit: str | None, dirty: bool) -> None:
        self._connection.execute(
            "UPDATE objects SET file = ?, line = ?, git_commit = ?, git_dirty = ? WHERE uid = ?",
            (file, line, commit, flag(dirty), uid),
        )

    def remove(self, uid: str, *, expected_digest: str, at: datetime, who: str, why: str = "") -> None:
        address, revision = self._expect(uid, expected_digest)
        unfinished = self._connection.execute(
            "SELECT id, state FROM job_instances INDEXED BY instances_unfinished"
            " WHERE job_uid = ? AND completed_at IS NULL LIMIT 1",
            (uid,),
        ).fetchone()
        if unfinished is not None:
            raise ChangedMeanwhile(
                f"{address} still has run {unfinished[0]}, {unfinished[1]}; it stays for now"
            )
        self._connection.execute(
            "UPDATE objects SET removed_at = ?, updated_at = ? WHERE uid = ?", (instant(at), instant(at), uid)
        )
        self._connection.execute(
            "DELETE FROM holds WHERE object_uid = ?"
            " AND (kind IN (?, ?, ?, ?, ?, ?) OR kind LIKE 'group:%' OR kind LIKE 'auth:%')",
            (uid, *ENDS_WITH_REMOVAL),
        )
        row, before, after = ("J13", "DISABLED", "ABSENT") if address.kind == "Job" else ("", "", "ABSENT")
        self._event(address, "uninstalled", uid, at, who, why, row=row, before=before, after=after,
                    revision=revision)  # fmt: skip

    def _expect(self, uid: str, digest: str | None) -> tuple[Address, int]:
        row = self._connection.execute(
            "SELECT kind, name, revision, digest FROM objects WHERE uid = ? AND removed_at IS NULL", (uid,)
        ).fetchone()
        if row is None:
            raise ChangedMeanwhile(f"Object {uid} is not installed any more; nothing was changed")
        kind, name, revision, installed = row
        if digest is not None and installed != digest:
            raise ChangedMeanwhile(
                f"{kind}/{name} was expected with {digest} and is installed with {installed}; "
                "nothing was changed"
            )
        return Address(kind, name), revision

    def _write(self, uid: str, revision: int, new: NewObject, at: datetime) -> None:
        self._connection.execute(
            "UPDATE objects SET source = ?, file = ?, line = ?, git_commit = ?, git_dirty = ?, revision = ?,"
            " digest = ?, execution_digest = ?, labels = ?, enabled = ?, protected = ?, prune_disabled = ?,"
            " updated_at = ? WHERE uid = ?",
            (*_content(new, revision, at), uid),
        )

    def _event(
        self, address: Address, what: str, uid: str, at: datetime, who: str, why: str, *,
        row: str = "", before: str = "", after: str = "", **details: Any,
    ) -> None:  # fmt: skip
        self._events.append(
            address.kind,
            address.name,
            f"{address.kind.lower()}.{what}",
            at=at,
            who=who,
            why=why,
            row=row,
            before=before,
            after=after,
            details={"uid": uid, **details},
        )


def _new_uid() -> str:
    import uuid  # not for reading

    return str(uuid.uuid4())


def _content(new: NewObject, revision: int, at: datetime) -> tuple[Any, ...]:
    return (
        new.source,
        new.file,
        new.line,
        new.commit,
        flag(new.dirty),
        revision,
        new.digest,
        new.execution_digest,
        as_json(new.labels),
        flag(new.enabled),
        flag(new.protected),
        flag(new.prune_disabled),
        instant(at),
    )


def _record(row: Any) -> ObjectRecord:
    (
        uid, kind, name, source, file, line, commit, dirty, revision, digest, execution_digest, labels,
        enabled, protected, prune_disabled, installed_at, updated_at, removed_at, declared, resolved, files,
    ) = row  # fmt: skip
    return ObjectRecord(
        uid=uid,
        kind=kind,
        name=name,
        source=source,
        file=file,
        line=line,
        commit=commit,
        dirty=bool(dirty),
        revision=revision,
        digest=digest,
        execution_digest=execution_digest,
        labels=_texts(labels),
        enabled=as_flag(enabled),
        protected=bool(protected),
        prune_disabled=bool(prune_disabled),
        installed_at=as_instant(installed_at),
        updated_at=as_instant(updated_at),
        removed_at=as_instant_or_none(removed_at),
        declared=from_json_map(declared),
        resolved=from_json_map(resolved),
        files=_texts(files),
    )


def _texts(text: str) -> dict[str, str]:
    found = from_json_map(text)
    if not all(isinstance(value, str) for value in found.values()):
        raise ValueError(f"{text[:50]!r} holds something else than text")
    return found


_OBJECTS = Rows("revisions", _record, lambda row: f"{row[1]}/{row[2]}")
