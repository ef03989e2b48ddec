"""Zones: the rules of each zone in use, as the tz database gave them."""

from __future__ import annotations

import sqlite3
from typing import Any

from runner.store.sqlite.cells import as_instant, instant
from runner.store.sqlite.damage import Rows
from runner.store.zones import ZoneRecord


class Zones:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def all(self) -> dict[str, ZoneRecord]:
        rows = self._connection.execute("SELECT name, version, noted_at, rules FROM zones ORDER BY name")
        return {zone.name: zone for zone in _ZONES.all(self._connection, rows)}

    def put(self, zone: ZoneRecord) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO zones (name, version, noted_at, rules) VALUES (?, ?, ?, ?)",
            (zone.name, zone.version, instant(zone.noted_at), zone.rules),
        )


def _record(row: Any) -> ZoneRecord:
    name, version, noted_at, rules = row
    return ZoneRecord(name, version, as_instant(noted_at), bytes(rules))


_ZONES = Rows("zones", _record, lambda row: f"the rules of zone {row[0]}")
