"""Applies: who holds the lease, and the chain of everything that was applied."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from runner.store.applies import ApplyRecord, LeaseRecord, Records
from runner.store.sqlite.cells import as_instant, as_json, flag, from_json_map, instant
from runner.store.sqlite.damage import Rows
from runner.vocabulary.identity import Address

_LEASE = "SELECT name, token, holder, pid, host, boot_id, git_commit, taken_at, expires_at FROM leases"
_COLUMNS = (
    "serial, at, who, verb, approval, source, git_commit, branch, git_dirty, plan_digest, allowed, changes,"
    " left_alone, previous"
)
_APPLY = f"SELECT {_COLUMNS}, hash FROM applies"  # noqa: S608 -- constants


class Leases:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> LeaseRecord | None:
        return _LEASES.one(self._connection.execute(f"{_LEASE} WHERE name = ?", (name,)).fetchone())

    def take(self, lease: LeaseRecord) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO leases"
            " (name, token, holder, pid, host, boot_id, git_commit, taken_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                lease.name,
                lease.token,
                lease.holder,
                lease.pid,
                lease.host,
                lease.boot_id,
                lease.commit,
                instant(lease.taken_at),
                instant(lease.expires_at),
            ),
        )

    def release(self, name: str, token: str) -> bool:
        done = self._connection.execute("DELETE FROM leases WHERE name = ? AND token = ?", (name, token))
        return done.rowcount > 0


class Applies:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def list(
        self, *, limit: int | None = 50, before: int | None = None, source: str | None = None
    ) -> Records:
        rows = self._connection.execute(
            f"{_APPLY} WHERE (?1 IS NULL OR serial < ?1) AND (?2 IS NULL OR source = ?2)"
            " ORDER BY serial DESC LIMIT ?3",
            (before, source, -1 if limit is None else limit),
        )
        return _APPLIES.all(self._connection, rows)

    def get(self, serial: int) -> ApplyRecord | None:
        return _APPLIES.one(self._connection.execute(f"{_APPLY} WHERE serial = ?", (serial,)).fetchone())

    def between(self, after: int, until: int) -> Records:
        rows = self._connection.execute(
            f"{_APPLY} WHERE serial > ? AND serial <= ? ORDER BY serial", (after, until)
        )
        return _APPLIES.all(self._connection, rows)

    def broken(self) -> Sequence[int]:
        return broken_links(self._connection)

    def add(self, apply: ApplyRecord) -> str:
        newest = self._connection.execute("SELECT hash FROM applies ORDER BY serial DESC LIMIT 1").fetchone()
        row = (
            apply.serial,
            instant(apply.at),
            apply.who,
            apply.verb,
            apply.approval,
            apply.source,
            apply.commit,
            apply.branch,
            flag(apply.dirty),
            apply.plan_digest,
            as_json(apply.allowed),
            as_json(list(apply.changes)),
            as_json(list(apply.left)),
            newest[0] if newest else "",
        )
        hashed = hash_of(row)
        self._connection.execute(
            f"INSERT INTO applies ({_COLUMNS}, hash) VALUES ({', '.join('?' * 15)})",  # noqa: S608
            (*row, hashed),
        )
        return hashed


def hash_of(row: tuple[Any, ...]) -> str:
    """The hash of a row, that of the row before it (the last column) included."""
    text = json.dumps([*row], separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def broken_links(connection: sqlite3.Connection) -> list[int]:
    """The serials of applies that are not as they were written, or whose predecessor is gone."""
    wrong, previous = [], ""
    for *row, hashed in connection.execute(f"{_APPLY} ORDER BY serial"):
        if hash_of(tuple(row)) != hashed or row[-1] != previous:
            wrong.append(row[0])
        previous = hashed
    return wrong


def _lease(row: Any) -> LeaseRecord:
    name, token, holder, pid, host, boot_id, commit, taken_at, expires_at = row
    return LeaseRecord(
        name=name,
        token=token,
        holder=holder,
        pid=pid,
        host=host,
        boot_id=boot_id,
        commit=commit,
        taken_at=as_instant(taken_at),
        expires_at=as_instant(expires_at),
    )


def _apply(row: Any) -> ApplyRecord:
    (
        serial, at, who, verb, approval, source, commit, branch, dirty, digest, allowed, changes, left,
        previous, hashed,
    ) = row  # fmt: skip
    return ApplyRecord(
        serial=serial,
        at=as_instant(at),
        who=who,
        verb=verb,
        approval=approval,
        source=source,
        commit=commit,
        branch=branch,
        dirty=bool(dirty),
        plan_digest=digest,
        allowed=from_json_map(allowed),
        changes=_maps(changes, ("action", "address", "uid", "reason")),
        left=_maps(left, ("address",)),
        previous=previous,
        hash=hashed,
    )


def _maps(text: str, texts: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    """A list of maps, each with these texts; the address is one."""
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{text[:50]!r} is no list of maps")
    for each in found:
        if not all(isinstance(each.get(key), str) for key in texts):
            raise ValueError(f"a change lacks one of {', '.join(texts)}")
        Address.parse(each["address"])
    return tuple(found)


_LEASES = Rows("leases", _lease, lambda row: f"the lease {row[0]}")
_APPLIES = Rows("applies", _apply, lambda row: f"apply {row[0]}")
