"""Tokens: who may use the HTTP interface, as what, and until when."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.sqlite.cells import as_instant, as_instant_or_none, instant, instant_or_none
from runner.store.sqlite.damage import Rows
from runner.store.tokens import TokenRecord

_SELECT = (
    "SELECT id, name, role, hash, created_at, created_by, expires_at, used_at, revoked_at, revoked_by"
    " FROM tokens"
)


class Tokens:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> TokenRecord | None:
        return _TOKENS.one(self._connection.execute(f"{_SELECT} WHERE id = ?", (id,)).fetchone())

    def list(self, *, revoked: bool = False) -> list[TokenRecord]:
        where = "" if revoked else " WHERE revoked_at IS NULL"
        rows = self._connection.execute(f"{_SELECT}{where} ORDER BY name, created_at DESC, id")
        return _TOKENS.all(self._connection, rows)

    def add(self, token: TokenRecord) -> bool:
        added = self._connection.execute(
            "INSERT INTO tokens (id, name, role, hash, created_at, created_by, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING",
            (
                token.id,
                token.name,
                token.role,
                token.hash,
                instant(token.created_at),
                token.created_by,
                instant_or_none(token.expires_at),
            ),
        )
        return added.rowcount == 1

    def revoke(self, id: str, *, at: datetime, who: str) -> bool:
        revoked = self._connection.execute(
            "UPDATE tokens SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL",
            (instant(at), who, id),
        )
        return revoked.rowcount == 1

    def used(self, id: str, at: datetime) -> None:
        self._connection.execute("UPDATE tokens SET used_at = ? WHERE id = ?", (instant(at), id))


def _record(row: Any) -> TokenRecord:
    id, name, role, hash, created_at, created_by, expires_at, used_at, revoked_at, revoked_by = row
    return TokenRecord(
        id=id,
        name=name,
        role=role,
        hash=hash,
        created_at=as_instant(created_at),
        created_by=created_by,
        expires_at=as_instant_or_none(expires_at),
        used_at=as_instant_or_none(used_at),
        revoked_at=as_instant_or_none(revoked_at),
        revoked_by=revoked_by,
    )


_TOKENS = Rows("tokens", _record, lambda row: f"token {row[1]}")
