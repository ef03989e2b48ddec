"""What happens to a row that cannot be read? It is told, and where somebody takes notes the rest goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runner.store.damage import NOW_RECORDED, damaged
from runner.vocabulary.errors import DamagedRow

R = TypeVar("R")

_DAMAGE = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)
"""What reading a cell raises when something else stands in it than what was written."""


class Connection(sqlite3.Connection):
    """A connection, and the notes of what could not be read; None: nobody takes notes, so it is raised."""

    notes: dict[str, DamagedRow] | None = None


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """How the rows of one table become records; `name` says of which object a row is."""

    table: str
    record: Callable[[Any], R]
    name: Callable[[Any], str]
    now: str = NOW_RECORDED

    def one(self, row: Any) -> R | None:
        """The record; None without a row; DamagedRow when it cannot be read."""
        if row is None:
            return None
        try:
            return self.record(row)
        except _DAMAGE as problem:
            raise self._damaged(row, problem) from problem

    def all(self, connection: sqlite3.Connection, rows: Iterable[Any]) -> list[R]:
        """The records; those that cannot be read are left out where notes are taken, else DamagedRow."""
        rows = list(rows)
        try:
            return list(map(self.record, rows))
        except _DAMAGE:
            return list(self._readable(connection, rows))

    def _readable(self, connection: sqlite3.Connection, rows: Iterable[Any]) -> Iterable[R]:
        for row in rows:
            try:
                yield self.record(row)
            except _DAMAGE as problem:
                note(connection, self._damaged(row, problem))

    def _damaged(self, row: Any, problem: BaseException) -> DamagedRow:
        return damaged(self.name(row), self.table, problem, self.now)


def note(connection: sqlite3.Connection, problem: DamagedRow) -> None:
    """Keep it among the notes; raised where nobody takes any."""
    notes: dict[str, DamagedRow] | None = getattr(connection, "notes", None)
    if notes is None:
        raise problem
    notes.setdefault(str(problem), problem)
