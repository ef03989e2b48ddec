"""Holds: why a job does not start by itself."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.holds import HoldRecord
from runner.store.sqlite.cells import as_instant, as_instant_or_none, instant, instant_or_none
from runner.store.sqlite.damage import Rows
from runner.store.sqlite.events import Events
from runner.vocabulary.errors import ChangedMeanwhile

_SELECT = "SELECT h.object_uid, h.kind, h.owner, h.reason, h.since, h.until FROM holds h"
_INSTALLED = "JOIN objects o ON o.uid = h.object_uid AND o.removed_at IS NULL"


class Holds:
    def __init__(self, connection: sqlite3.Connection, events: Events) -> None:
        self._connection = connection
        self._events = events

    def of(self, uid: str) -> list[HoldRecord]:
        rows = self._connection.execute(f"{_SELECT} WHERE h.object_uid = ? ORDER BY h.kind, h.owner", (uid,))
        return _HOLDS.all(self._connection, rows)

    def all(self) -> dict[str, list[HoldRecord]]:
        found: dict[str, list[HoldRecord]] = {}
        rows = self._connection.execute(f"{_SELECT} {_INSTALLED} ORDER BY h.object_uid, h.kind, h.owner")
        for hold in _HOLDS.all(self._connection, rows):
            found.setdefault(hold.object_uid, []).append(hold)
        return found

    def ending_before(self, instant_: datetime) -> list[HoldRecord]:
        rows = self._connection.execute(
            f"{_SELECT} {_INSTALLED} WHERE h.until <= ? ORDER BY h.until", (instant(instant_),)
        )
        return _HOLDS.all(self._connection, rows)

    def next_end(self) -> datetime | None:
        row = self._connection.execute(f"SELECT min(h.until) FROM holds h {_INSTALLED}").fetchone()  # noqa: S608
        return _NEXT.one(row)

    def add(self, uid: str, hold: HoldRecord, *, who: str = "", why: str = "") -> bool:
        kind, name = self._address(uid)
        was = self._connection.execute(
            "SELECT reason, until FROM holds WHERE object_uid = ? AND kind = ? AND owner = ?",
            (uid, hold.kind, hold.owner),
        ).fetchone()
        until = instant_or_none(hold.until)
        if was == (hold.reason, until):
            return False
        self._connection.execute(
            "INSERT INTO holds VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET reason = excluded.reason, until = excluded.until",
            (uid, hold.kind, hold.owner, hold.reason, instant(hold.since), until),
        )
        self._events.append(
            kind,
            name,
            "hold.added" if was is None else "hold.renewed",
            at=hold.since,
            who=who or hold.owner,
            why=why or hold.reason,
            after=hold.kind,
            details={"uid": uid, "owner": hold.owner, "until": until},
        )
        return True

    def clear(
        self, uid: str, kind: str, owner: str | None = None, *, at: datetime, who: str, why: str = ""
    ) -> bool:
        if owner is None:
            gone = self._connection.execute(
                "DELETE FROM holds WHERE object_uid = ? AND kind = ? RETURNING owner", (uid, kind)
            ).fetchall()
        else:
            gone = self._connection.execute(
                "DELETE FROM holds WHERE object_uid = ? AND kind = ? AND owner = ? RETURNING owner",
                (uid, kind, owner),
            ).fetchall()
        if not gone:
            return False
        object_kind, name = self._address(uid)
        for (was_owner,) in gone:
            self._events.append(
                object_kind,
                name,
                "hold.cleared",
                at=at,
                who=who,
                why=why,
                before=kind,
                details={"uid": uid, "owner": was_owner},
            )
        return True

    def _address(self, uid: str) -> tuple[str, str]:
        row = self._connection.execute("SELECT kind, name FROM objects WHERE uid = ?", (uid,)).fetchone()
        if row is None:
            raise ChangedMeanwhile(f"Object {uid} is not installed any more; nothing was changed")
        return row[0], row[1]


def _record(row: Any) -> HoldRecord:
    uid, kind, owner, reason, since, until = row
    return HoldRecord(uid, kind, owner, reason, as_instant(since), as_instant_or_none(until))


_HOLDS = Rows("holds", _record, lambda row: f"hold {row[1]} of object {row[0]}")
_NEXT = Rows("holds", lambda row: as_instant_or_none(row[0]), lambda row: "the hold that ends next")
