"""Keep the rules of the zones in use, and tell which starts an update of the tz database moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from runner.operations.installed_jobs import installed_jobs
from runner.operations.tz_database import tz_rules, tz_version, zone_by
from runner.schedules.kinds import schedule_in
from runner.schedules.zones import check_zone, zone_named
from runner.store.port import Reader, Transaction
from runner.store.zones import ZoneRecord
from runner.vocabulary.instants import to_text

SUBJECT = "tz-database"
WHO = "system:clock"

AHEAD = timedelta(days=366)
"""Starts in this time are compared."""

COMPARED = 5000
"""Slots of one schedule."""

TOLD = 100
"""Moved starts in one event."""

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class MovedStart:
    """A slot and its instants by the rules before and now; None: there is none by those."""

    job: str
    schedule: str
    slot: str
    was: datetime | None
    now: datetime | None


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """A zone whose rules are others than those that were kept; `moved` are the first starts that it moves."""

    zone: str
    version_before: str
    version_now: str
    moved: tuple[MovedStart, ...]
    jobs: int

    @property
    def text(self) -> str:
        """A sentence with the first start that moves."""
        versions = f"the tz database went from {self.version_before} to {self.version_now}"
        if not self.moved:
            return f"{versions}: the rules of {self.zone} changed, and no start of the next year moves"
        first = self.moved[0]
        was, now = (
            to_text(at)[:16].replace("T", " ") + "Z" if at else "never" for at in (first.was, first.now)
        )
        jobs = "1 job" if self.jobs == 1 else f"{self.jobs} jobs"
        return (
            f"{versions}: {self.zone} changed, and starts of {jobs} move; first {first.job}: {was} -> {now}"
        )


def unknown_rules(reader: Reader, names: Iterable[str]) -> dict[str, bytes]:
    """Of the zones in use: the rules of those that are not kept yet, or kept otherwise."""
    kept = reader.zones.all()
    zones = (name for name in names if check_zone(name) is None)  # a forged row names no file
    found = {name: rules for name in zones if (rules := tz_rules(name)) is not None}
    return {name: rules for name, rules in found.items() if name not in kept or kept[name].rules != rules}


def note_zones(tx: Transaction, rules: Mapping[str, bytes], now: datetime) -> tuple[ZoneChange, ...]:
    """Keep these rules; an event for each zone that had others, with the starts that move."""
    kept, version = tx.zones.all(), tz_version()
    changes = []
    for name, content in sorted(rules.items()):
        was = kept.get(name)
        tx.zones.put(ZoneRecord(name, version, now, content))
        if was is None or was.rules == content:
            continue
        change = _compared(tx, was, version, now)
        changes.append(change)
        tx.events.append(
            SUBJECT,
            name,
            "zone.changed",
            at=now,
            who=WHO,
            why=change.text,
            before=was.version,
            after=version,
            details={
                "severity": "warning",
                "jobs": change.jobs,
                "moved": [
                    {"job": m.job, "schedule": m.schedule, "slot": m.slot,
                     "before": to_text(m.was) if m.was else None, "after": to_text(m.now) if m.now else None}
                    for m in change.moved
                ],
            },
        )  # fmt: skip
    return tuple(changes)


def _compared(reader: Reader, was: ZoneRecord, version: str, now: datetime) -> ZoneChange:
    before, after = zone_by(was.rules, was.name), zone_named(was.name)
    moved: list[MovedStart] = []
    jobs: set[str] = set()
    if before is not None:
        for job, schedule, resolved in _schedules_in(reader, was.name):
            found = list(_moved(job, schedule, resolved, before, after, now))
            if found:
                jobs.add(job)
                moved += found
    moved.sort(key=lambda each: (each.now or each.was or now, each.job))
    return ZoneChange(was.name, was.version, version, tuple(moved[:TOLD]), len(jobs))


def _schedules_in(reader: Reader, zone: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for record in installed_jobs(reader):
        for name, resolved in record.resolved["schedules"].items():
            if (resolved.get("timezone") or "UTC") == zone:
                yield record.name, name, resolved


def _moved(
    job: str, schedule: str, resolved: Mapping[str, Any], before: ZoneInfo, after: ZoneInfo, now: datetime
) -> Iterator[MovedStart]:
    was, is_ = (_slots(resolved, zone, now) for zone in (before, after))
    for key in dict.fromkeys((*was, *is_)):
        if was.get(key) != is_.get(key):
            yield MovedStart(job, schedule, key, was.get(key), is_.get(key))


def _slots(resolved: Mapping[str, Any], zone: ZoneInfo, now: datetime) -> dict[str, datetime]:
    schedule = schedule_in(resolved, zone)
    slots = islice(schedule.between(now - _INSTANT, now + AHEAD), COMPARED)
    return {key: slot.at for slot in slots for key in slot.keys}
