"""What is there to say of a moment that is no slot of a job: what left it out, and what started instead?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from runner.operations.what_became import moment_text
from runner.schedules.asked_time import Asked
from runner.schedules.slot import Schedule, Slot
from runner.schedules.trigger import TriggerSchedule
from runner.schedules.zones import due_instant
from runner.store.objects import ObjectRecord
from runner.store.port import Reader

MINUTE = timedelta(minutes=1)
SHOWN = 5
"""Runs that are named."""

LOOKED_AT = 5000
"""Of the newest runs of a job."""

_INSTANT = timedelta(microseconds=1)


def what_else(
    reader: Reader, record: ObjectRecord, asked: Asked, in_force: Mapping[str, Schedule]
) -> tuple[str, ...]:
    """The sentences, the plain fact first; `in_force` are the schedules that the job had then."""
    return (
        "no slot of its schedule" if in_force else "it has no schedule that starts it",
        *_only_first(in_force, asked),
        *_left_out(in_force, asked),
        *_started_otherwise(reader, record, asked),
    )


def started_for_it(reader: Reader, record: ObjectRecord, slot: Slot) -> tuple[str, ...]:
    """Runs by hand that stand for a slot (`--slot`, a backfill), the newest first."""
    runs = reader.instances.list(job_uid=record.uid, since=slot.at, limit=LOOKED_AT)
    return tuple(
        f"instance {run.id} was started for it by {run.requested_by or run.origin}: {run.state}"
        for run in runs
        if run.trigger.get("for_slot") in slot.keys
    )[:SHOWN]


def _only_first(in_force: Mapping[str, Schedule], asked: Asked) -> list[str]:
    """Of a local time that comes twice only the first is a slot (R4)."""
    if asked.mark != "second" or asked.wall is None:
        return []
    for schedule in in_force.values():
        key = f"{asked.wall:%Y-%m-%dT%H:%M}[{schedule.zone.key}]"
        first = due_instant(schedule.zone, asked.wall).at
        if any(key in slot.keys for slot in schedule.between(first - _INSTANT, first)):
            return ["R4: it starts at the first of the two"]
    return []


def _left_out(in_force: Mapping[str, Schedule], asked: Asked) -> list[str]:
    """What the schedules themselves say about the moment: a calendar, a window, what triggers it."""
    told = []
    for name, schedule in in_force.items():
        calendars = getattr(schedule, "calendars", None)
        left_out = calendars.covering(asked.at) if calendars is not None else None
        if left_out is not None:
            told.append(f"R13: calendar {left_out.calendar} leaves it out ({left_out.name})")
        opening_at = getattr(schedule, "opening_at", None)
        if opening_at is not None:
            told.append(_window(name, opening_at(asked.at)))
        if schedule.kind == "fireAndForget":
            told.append(f"schedule {name} starts it once, as soon as it may after a change (fireAndForget)")
        if isinstance(schedule, TriggerSchedule):
            told.append(f"what starts it by schedule {name} is {schedule.source.in_words}")
    return told


def _window(name: str, opening: object) -> str:
    if opening is None:
        return f"the window of schedule {name} was closed then"
    opens_at, closes_at = (getattr(opening, word) for word in ("opens_at", "closes_at"))
    return (
        f"the window of schedule {name} was open from {moment_text(opens_at)} to {moment_text(closes_at)}: "
        "what runs goes on in it"
    )


def _started_otherwise(reader: Reader, record: ObjectRecord, asked: Asked) -> tuple[str, ...]:
    """Runs that were asked for at that moment by somebody, or by something else than a slot."""
    until: datetime = asked.at + max(asked.span, MINUTE)
    runs = reader.instances.list(job_uid=record.uid, since=asked.at - MINUTE, limit=500)
    return tuple(
        f"instance {run.id} was started by {run.requested_by or run.origin} then: {run.state}"
        for run in reversed(runs)
        if run.origin != "slot" and asked.at - _INSTANT < run.created_at < until
    )[:SHOWN]
