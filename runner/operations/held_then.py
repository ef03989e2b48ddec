"""Who held a job at a moment, since when and until when? Told by its events, for holds that are over too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from runner.store.events import EventRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.instants import from_text

MOST_EVENTS = 20_000
"""Of one job; what is further back is not asked about."""

OUTLAST_REMOVAL = ("operator", "paused", "failure", "maintenance")
"""Holds that wait for the return of a job that was uninstalled; the others go with it, without a word."""


@dataclass(frozen=True, slots=True)
class HeldThen:
    """A hold that was there; `ended` is when it was over, None while it is not."""

    kind: str
    owner: str
    reason: str
    since: datetime
    until: datetime | None
    ended: datetime | None = None

    @property
    def name(self) -> str:
        """`hold operator of ana`"""
        return f"hold {self.kind} of {self.owner}"


def held_then(reader: Reader, record: ObjectRecord, moment: datetime) -> tuple[HeldThen, ...]:
    """The holds of a job at `moment`, in the order in which they came."""
    found: dict[tuple[str, str], HeldThen] = {}
    over: set[tuple[str, str]] = set()
    for event in events_of_job(reader, record):
        if event.event == "job.uninstalled" and event.at <= moment:
            found = {key: hold for key, hold in found.items() if key[0] in OUTLAST_REMOVAL}
        if not event.event.startswith("hold."):
            continue
        key = (event.before or event.after, str(event.details.get("owner")))
        if event.at > moment:
            if event.event == "hold.cleared" and key in found and key not in over:
                found[key] = replace(found[key], ended=event.at)
                over.add(key)
            continue
        if event.event == "hold.cleared":
            found.pop(key, None)
        else:
            was = found.get(key)
            found[key] = HeldThen(*key, event.why, was.since if was else event.at, _until(event))
    for hold in reader.holds.of(record.uid):
        if hold.since <= moment:
            found.setdefault(
                (hold.kind, hold.owner), HeldThen(hold.kind, hold.owner, hold.reason, hold.since, hold.until)
            )
    return tuple(hold for hold in found.values() if hold.until is None or hold.until > moment)


def events_of_job(reader: Reader, record: ObjectRecord) -> list[EventRecord]:
    """Its events, oldest first, also those from when it had another name."""
    found: dict[int, EventRecord] = {}
    names, name = {record.name}, record.name
    while name:
        own = reader.events.of("Job", name, limit=MOST_EVENTS)
        found |= {event.id: event for event in own}
        moved = (e for e in own if e.event == "job.moved" and e.after == f"Job/{name}" and _is_of(e, record))
        name = next((was for e in moved if (was := e.before.removeprefix("Job/")) not in names), "")
        names.add(name)
    return [found[id] for id in sorted(found) if _is_of(found[id], record)]


def _is_of(event: EventRecord, record: ObjectRecord) -> bool:
    return bool(event.details.get("uid") == record.uid)


def _until(event: EventRecord) -> datetime | None:
    text = event.details.get("until")
    return from_text(text) if isinstance(text, str) else None
