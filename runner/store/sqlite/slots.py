"""Slots: the ledger of what was decided about each due time, and the watermark of each schedule (R9)."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from runner.store.slots import SlotRecord, Watermark
from runner.store.sqlite.cells import as_instant, as_instant_or_none, instant, instant_or_none
from runner.store.sqlite.damage import Rows

_INSERT = (
    "INSERT INTO slots (job_uid, slot_key, schedule, slot_at, decision, reason, instance_id, decided_at,"
    " count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_INSERT_WHOLE = (
    "INSERT INTO slots (job_uid, slot_key, schedule, slot_at, decision, reason, instance_id, decided_at,"
    " count, rule, blocker, first_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_FORWARD = (
    "INSERT INTO watermarks (job_uid, schedule, at, slot_key) VALUES (?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET at = excluded.at, slot_key = excluded.slot_key WHERE excluded.at > at"
)
_SELECT = (
    "SELECT job_uid, schedule, slot_key, slot_at, decision, reason, instance_id, decided_at, count, rule,"
    " blocker, first_at, outcome FROM slots"
)
_Slots = list[SlotRecord]


class Slots:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def watermark(self, job_uid: str, schedule: str) -> Watermark | None:
        row = self._connection.execute(
            "SELECT at, slot_key FROM watermarks WHERE job_uid = ? AND schedule = ?", (job_uid, schedule)
        ).fetchone()
        found = _WATERMARKS.one(row and (job_uid, schedule, *row))
        return found and found[1]

    def watermarks(self) -> dict[tuple[str, str], Watermark]:
        rows = self._connection.execute("SELECT job_uid, schedule, at, slot_key FROM watermarks")
        return dict(_WATERMARKS.all(self._connection, rows))

    def is_decided(self, job_uid: str, slot_key: str) -> bool:
        return (
            self._connection.execute(
                "SELECT 1 FROM slots WHERE job_uid = ?1 AND slot_key = ?2"
                " UNION ALL SELECT 1 FROM job_instances WHERE job_uid = ?1 AND slot_key = ?2",
                (job_uid, slot_key),
            ).fetchone()
            is not None
        )

    def list(
        self, job_uid: str | None = None, *, since: datetime | None = None, limit: int = 100
    ) -> list[SlotRecord]:
        select = f"{_SELECT} WHERE slot_at >= ?"
        earliest = "" if since is None else instant(since)
        if job_uid is None:
            rows = self._connection.execute(f"{select} ORDER BY slot_at DESC LIMIT ?", (earliest, limit))
        else:
            rows = self._connection.execute(
                f"{select} AND job_uid = ? ORDER BY slot_at DESC LIMIT ?", (earliest, job_uid, limit)
            )
        return _SLOTS.all(self._connection, rows)

    def decided_at(self, job_uid: str, slot_at: datetime) -> _Slots:
        return _SLOTS.all(
            self._connection,
            self._connection.execute(
                f"{_SELECT} WHERE job_uid = ? AND slot_at = ? ORDER BY slot_key", (job_uid, instant(slot_at))
            ),
        )

    def get(self, job_uid: str, slot_key: str) -> SlotRecord | None:
        row = self._connection.execute(
            f"{_SELECT} WHERE job_uid = ? AND slot_key = ?", (job_uid, slot_key)
        ).fetchone()
        return _SLOTS.one(row)

    def covering(self, job_uid: str, after: datetime, until: datetime) -> _Slots:
        rows = self._connection.execute(
            f"{_SELECT} WHERE job_uid = ?1 AND slot_at >= ?2 AND coalesce(first_at, slot_at) <= ?3"
            " ORDER BY slot_at, slot_key",
            (job_uid, instant(after), instant(until)),
        )
        return _SLOTS.all(self._connection, rows)

    def decide(self, slot: SlotRecord, *, move_watermark: bool = True) -> bool:
        slot_at = instant(slot.slot_at)
        is_new = (
            self._connection.execute(
                _INSERT_WHOLE,
                (
                    slot.job_uid,
                    slot.slot_key,
                    slot.schedule,
                    slot_at,
                    slot.decision,
                    slot.reason,
                    slot.instance_id,
                    instant(slot.decided_at),
                    slot.count,
                    slot.rule,
                    slot.blocker,
                    instant_or_none(slot.first_at),
                ),
            ).rowcount
            == 1
        )
        if move_watermark:
            self._connection.execute(_FORWARD, (slot.job_uid, slot.schedule, slot_at, slot.slot_key))
        return is_new

    def take(
        self, job_uid: str, slot_key: str, *, schedule: str, slot_at: str, reason: str, id: int, at: str
    ) -> bool:
        """As `decide` for a slot that became run `id`, with the texts at hand; False changes nothing."""
        taken = self._connection.execute(
            _INSERT, (job_uid, slot_key, schedule, slot_at, "instance", reason, id, at, 1)
        )
        if taken.rowcount != 1:
            return False
        self._connection.execute(_FORWARD, (job_uid, schedule, slot_at, slot_key))
        return True

    def set_watermark(self, job_uid: str, schedule: str, at: datetime, slot_key: str | None = None) -> None:
        self._connection.execute(
            "INSERT INTO watermarks (job_uid, schedule, at, slot_key) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET at = excluded.at, slot_key = excluded.slot_key",
            (job_uid, schedule, instant(at), slot_key),
        )

    def drop_watermark(self, job_uid: str, schedule: str) -> None:
        self._connection.execute(
            "DELETE FROM watermarks WHERE job_uid = ? AND schedule = ?", (job_uid, schedule)
        )


def _record(row: Any) -> SlotRecord:
    uid, schedule, key, at, decision, reason, id, decided_at, count, rule, blocker, first_at, outcome = row
    return SlotRecord(
        uid,
        schedule,
        key,
        as_instant(at),
        decision,
        reason,
        id,
        as_instant(decided_at),
        count,
        rule,
        blocker,
        as_instant_or_none(first_at),
        outcome,
    )


def _watermark(row: Any) -> tuple[tuple[str, str], Watermark]:
    uid, schedule, at, key = row
    return (uid, schedule), Watermark(as_instant(at), key)


_SLOTS = Rows("slots", _record, lambda row: f"slot {row[2]} of object {row[0]}")
_WATERMARKS = Rows(
    "watermarks", _watermark, lambda row: f"the watermark of schedule {row[1]} of object {row[0]}"
)
