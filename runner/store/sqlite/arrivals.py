"""Arrivals: what triggers jobs, from its arrival until it has been dealt with."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from runner.lifecycle.instance import TERMINAL
from runner.store.arrivals import (
    ENDED,
    ONE_BY_ONE,
    OPEN,
    WAITING,
    GivenItem,
    Item,
    NewItem,
    Queued,
)
from runner.store.sqlite.cells import (
    as_instant,
    as_instant_or_none,
    as_json,
    chunks,
    from_json_map,
    instant,
    instant_or_none,
    marks,
)
from runner.store.sqlite.damage import Rows
from runner.vocabulary.errors import ChangedMeanwhile

_COLUMNS = (
    "a.id, a.job_uid, a.schedule, a.kind, a.key, a.source, a.data, a.inputs, a.slot_at, a.aftercare, a.state,"
    " a.arrived_at, a.instance_id, a.starts, a.reason, a.settled_at"
)
_SELECT = f"SELECT {_COLUMNS} FROM arrivals a"  # noqa: S608
_ENDS = ", ".join(f"'{state}'" for state in sorted(TERMINAL))
_IS_OPEN = "state IN ('WAITING', 'TAKEN', 'MOVING')"
"""As the partial index of open items says it. For the sake of an order SQLite does not take it by itself."""

_Items = list[Item]


class Arrivals:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, id: int) -> Item | None:
        return _ITEMS.one(self._connection.execute(f"{_SELECT} WHERE a.id = ?", (id,)).fetchone())

    def find(self, job_uid: str, schedule: str, key: str) -> Item | None:
        row = self._connection.execute(
            f"{_SELECT} WHERE a.job_uid = ? AND a.schedule = ? AND a.key = ?", (job_uid, schedule, key)
        )
        return _ITEMS.one(row.fetchone())

    def was_delivered(self, job_uid: str, schedule: str, key: str) -> bool:
        digest = _digest(job_uid, schedule, key)
        row = self._connection.execute("SELECT 1 FROM delivered WHERE digest = ?", (digest,)).fetchone()
        return row is not None

    def waiting(self, job_uid: str, schedule: str, limit: int | None = None) -> list[Queued]:
        rows = self._connection.execute(
            "SELECT id, arrived_at, length(data) FROM arrivals WHERE job_uid = ? AND schedule = ?"  # noqa: S608
            f" AND {_IS_OPEN} AND state = 'WAITING' ORDER BY id LIMIT ?",
            (job_uid, schedule, -1 if limit is None else limit),
        )
        return _QUEUED.all(self._connection, rows)

    def load(self, ids: Sequence[int]) -> _Items:
        found: _Items = []
        for some in chunks([*ids]):
            rows = self._connection.execute(f"{_SELECT} WHERE a.id IN ({marks(len(some))})", some)
            found += _ITEMS.all(self._connection, rows)
        return sorted(found, key=lambda item: item.id)

    def count_waiting(self, job_uid: str, schedule: str) -> int:
        row = self._connection.execute(
            f"SELECT count(*) FROM arrivals WHERE job_uid = ? AND schedule = ? AND {_IS_OPEN}"  # noqa: S608
            " AND state = 'WAITING'",
            (job_uid, schedule),
        ).fetchone()
        return int(row[0])

    def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        found: dict[tuple[str, str], dict[str, int]] = {}
        for condition in (_IS_OPEN, "state = 'FAILED'"):  # each has an index of its own
            rows = self._connection.execute(
                f"SELECT job_uid, schedule, state, count(*) FROM arrivals WHERE {condition}"  # noqa: S608
                " GROUP BY job_uid, schedule, state"
            )
            for job_uid, schedule, state, count in rows:
                found.setdefault((job_uid, schedule), {})[state] = count
        return found

    def keys(self, job_uid: str, schedule: str) -> set[str]:
        rows = self._connection.execute(
            "SELECT key FROM arrivals WHERE job_uid = ? AND schedule = ?", (job_uid, schedule)
        )
        return {row[0] for row in rows}

    def of_instance(self, instance_id: int) -> _Items:
        rows = self._connection.execute(f"{_SELECT} WHERE a.instance_id = ? ORDER BY a.id", (instance_id,))
        return _ITEMS.all(self._connection, rows)

    def given(self, trigger: tuple[str, str] | None = None) -> list[GivenItem]:
        of_trigger = "" if trigger is None else " AND a.job_uid = ? AND a.schedule = ?"
        rows = self._connection.execute(
            f"SELECT {_COLUMNS}, i.state, i.reason, i.first_started_at IS NOT NULL"  # noqa: S608
            " FROM arrivals a INDEXED BY arrivals_open LEFT JOIN job_instances i ON i.id = a.instance_id"
            f" WHERE a.{_IS_OPEN} AND a.state = 'TAKEN'{of_trigger}"
            f" AND (i.state IS NULL OR i.state IN ({_ENDS})) ORDER BY a.id",
            trigger or (),
        )
        return _GIVEN.all(self._connection, rows)

    def moving(self, limit: int = 500) -> _Items:
        rows = self._connection.execute(
            f"{_SELECT} INDEXED BY arrivals_open WHERE a.{_IS_OPEN} AND a.state = 'MOVING'"
            " ORDER BY a.id LIMIT ?",
            (limit,),
        )
        return _ITEMS.all(self._connection, rows)

    def of_job(self, job_uid: str, states: Iterable[str] | None = None, limit: int | None = 50) -> _Items:
        wanted = tuple(states if states is not None else (*OPEN, *ENDED))
        rows = self._connection.execute(
            f"{_SELECT} WHERE a.job_uid = ? AND a.state IN ({marks(len(wanted))}) ORDER BY a.id DESC LIMIT ?",
            (job_uid, *wanted, -1 if limit is None else limit),
        )
        return _ITEMS.all(self._connection, rows)

    def add(self, new: NewItem, *, at: datetime, state: str = WAITING, reason: str = "") -> int | None:
        added = self._connection.execute(
            "INSERT INTO arrivals (job_uid, schedule, kind, key, source, data, inputs, slot_at, aftercare,"
            " state, arrived_at, reason, settled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (job_uid, schedule, key) DO NOTHING",
            (
                new.job_uid,
                new.schedule,
                new.kind,
                new.key,
                new.source,
                as_json(new.data),
                as_json(new.inputs),
                instant_or_none(new.slot_at),
                as_json(new.aftercare),
                state,
                instant(at),
                reason,
                instant(at) if state in ENDED else None,
            ),
        )
        return added.lastrowid if added.rowcount == 1 else None

    def give(self, ids: Sequence[int], instance_id: int, *, one_by_one: bool = False) -> None:
        given = 0
        for some in chunks([*ids]):
            given += self._connection.execute(
                "UPDATE arrivals SET state = 'TAKEN', instance_id = ?, starts = starts + 1, reason = ?"  # noqa: S608
                f" WHERE state = 'WAITING' AND id IN ({marks(len(some))})",
                (instance_id, ONE_BY_ONE if one_by_one else "", *some),
            ).rowcount
        if given != len(ids):
            raise ChangedMeanwhile(
                f"{len(ids) - given} of the items for run {instance_id} do not wait any more"
            )

    def give_back(self, ids: Sequence[int]) -> None:
        for some in chunks([*ids]):
            self._connection.execute(
                "UPDATE arrivals SET state = 'WAITING', instance_id = NULL, reason = ''"  # noqa: S608
                f" WHERE state = 'TAKEN' AND id IN ({marks(len(some))})",
                some,
            )

    def settle(
        self,
        ids: Sequence[int],
        state: str,
        *,
        reason: str,
        at: datetime,
        expected: str,
        instance_id: int | None = None,
    ) -> int:
        settled = 0
        for some in chunks([*ids]):
            settled += self._connection.execute(
                "UPDATE arrivals SET state = ?, reason = ?, settled_at = ?"  # noqa: S608
                f" WHERE state = ? AND (? IS NULL OR instance_id = ?) AND id IN ({marks(len(some))})",
                (
                    state,
                    reason,
                    instant(at) if state in ENDED else None,
                    expected,
                    instance_id,
                    instance_id,
                    *some,
                ),
            ).rowcount
        return settled

    def forget_key(self, id: int) -> None:
        self._connection.execute("UPDATE arrivals SET key = key || '#' || id WHERE id = ?", (id,))

    def again(self, id: int) -> bool:
        return (
            self._connection.execute(
                "UPDATE arrivals SET state = 'WAITING', instance_id = NULL, reason = '', settled_at = NULL"
                " WHERE id = ? AND state IN ('FAILED', 'DROPPED')",
                (id,),
            ).rowcount
            == 1
        )

    def prune(
        self,
        before: datetime,
        kinds: Sequence[str],
        limit: int = 1000,
        *,
        remembers: Callable[[str], bool] = lambda key: False,
    ) -> int:
        rows = self._connection.execute(
            "SELECT id, job_uid, schedule, key, settled_at FROM arrivals"  # noqa: S608
            f" WHERE settled_at < ? AND kind IN ({marks(len(kinds))})"
            " AND (kind <> 'file' OR aftercare <> '{}') LIMIT ?",
            (instant(before), *kinds, limit),
        ).fetchall()
        self._connection.executemany(
            "INSERT INTO delivered (digest, day) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
            [(_digest(uid, name, key), at[:10]) for _, uid, name, key, at in rows if remembers(key)],
        )
        for some in chunks([id for id, *_ in rows]):
            self._connection.execute(f"DELETE FROM arrivals WHERE id IN ({marks(len(some))})", some)  # noqa: S608
        return len(rows)

    def forget_delivered(self, before: datetime) -> int:
        return self._connection.execute(
            "DELETE FROM delivered WHERE day < ?", (instant(before)[:10],)
        ).rowcount

    def empty(self, before: datetime, limit: int = 1000) -> int:
        return self._connection.execute(
            "UPDATE arrivals SET data = '{}', inputs = '{}' WHERE id IN (SELECT id FROM arrivals"
            " WHERE settled_at < ? AND kind = 'webhook' AND data <> '{}' AND state <> 'FAILED' LIMIT ?)",
            (instant(before), limit),
        ).rowcount


def _digest(job_uid: str, schedule: str, key: str) -> bytes:
    return hashlib.sha256("\0".join((job_uid, schedule, key)).encode()).digest()[:16]


def _item(row: Any) -> Item:
    (
        id, job_uid, schedule, kind, key, source, data, inputs, slot_at, aftercare, state, arrived_at,
        instance_id, starts, reason, settled_at,
    ) = row  # fmt: skip
    if state not in (*OPEN, *ENDED):
        raise ValueError(f"{state!r} is no state of an item")
    return Item(
        id=id,
        job_uid=job_uid,
        schedule=schedule,
        kind=kind,
        key=key,
        source=source,
        data=from_json_map(data),
        inputs=from_json_map(inputs),
        slot_at=as_instant_or_none(slot_at),
        aftercare=from_json_map(aftercare),
        state=state,
        arrived_at=as_instant(arrived_at),
        instance_id=instance_id,
        starts=starts,
        reason=reason,
        settled_at=as_instant_or_none(settled_at),
        size=len(data),
    )


def _queued(row: Any) -> Queued:
    return Queued(row[0], as_instant(row[1]), row[2])


def _given(row: Any) -> GivenItem:
    return GivenItem(_item(row[:-3]), row[-3], row[-2] or "", bool(row[-1]))


_ITEMS = Rows("arrivals", _item, lambda row: f"the item {row[0]}")
_GIVEN = Rows("arrivals", _given, lambda row: f"the item {row[0]}")
_QUEUED = Rows("arrivals", _queued, lambda row: f"the item {row[0]}")
