"""What does a run wait for that is due or paused, who holds which lock, and who waits for it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.dispatch.places import place_named
from runner.dispatch.start import OVERLAP, Replace, Wait
from runner.lifecycle.holds import active, family
from runner.lifecycle.pausing import KEEPS_PAUSED, OPERATOR, WINDOW
from runner.operations.decide_claim import decide_claim, needs_of, overlap_of
from runner.operations.executed_elsewhere import is_external, waits_to_be_polled
from runner.operations.installed_jobs import schedules_of
from runner.operations.outcome import definition_of
from runner.operations.settings import settings
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.instants import to_the_second

PAUSED = "paused"

IS_OPEN = "the daemon: its window is open (runner up)"

ANY_PLACE = "a free place among the runs of the daemon"


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """Why a run that is due or paused does not go on: in words, and the run that it waits behind, if any."""

    text: str
    behind: int | None = None


@dataclass(frozen=True, slots=True)
class LockInUse:
    """A lock, or the places in a group: the runs that have it, and those that wait for it, next one first."""

    name: str
    holders: tuple[int, ...]
    jobs: tuple[str, ...]
    since: datetime
    waiting: tuple[int, ...]


def waits_for(reader: Reader, run: InstanceRecord, now: datetime) -> WaitsFor | None:
    """None for a run that is not due, or has started. Decided as by the claim; nothing is changed."""
    if run.state == "PAUSED":
        return WaitsFor(_what_keeps_it_paused(reader, run, now))
    if run.state != "SCHEDULED" or run.due_at > now:
        return None
    record = reader.objects.by_uid(run.job_uid)
    if record is None or record.removed_at is not None:
        return None
    if closed := closed_window(record, run, now):
        return WaitsFor(closed)
    spec = definition_of(reader, run)
    answer = decide_claim(
        reader, run, overlap_of(record.resolved), reader.holds.of(run.job_uid), needs_of(reader, spec), now
    )
    match answer:
        case Replace(ids=ids):
            return WaitsFor(f"{_named(reader, ids[0])} to be stopped, which it replaces", ids[0])
        case Wait(reason="paused"):
            return WaitsFor("its job, which is paused")
        case Wait(reason="clock"):
            return WaitsFor("the clock, which was put far back (runner maintenance off)")
        case Wait(reason="held"):
            held = [end_of_hold(hold, run.job) for hold in active(reader.holds.of(run.job_uid), now)]
            return WaitsFor("; ".join(held))
        case Wait(reason=reason, blocker=blocker):
            behind = int(blocker)
            return WaitsFor(_reason(reader, run, reason, behind, now), behind)
    return WaitsFor(_its_system(reader, spec) if is_external(spec) else ANY_PLACE)


def _its_system(reader: Reader, spec: Mapping[str, Any]) -> str:
    """What is missing before another system executes the run; it takes no place of the daemon."""
    if settings(reader).get("web") is None:
        return "a listener: declare `web: {}` in the spec of the Runner"
    if waits_to_be_polled(spec):
        return "its system, which has to ask for it (POST /api/v1/external/claims); runner doctor"
    return "the call of its webhook, which is made while the listener is there; runner doctor"


def _what_keeps_it_paused(reader: Reader, run: InstanceRecord, now: datetime) -> str:
    """What the guard of I28 asks for: no reason of its own is left, and no hold stands in its job's way."""
    holds = active(reader.holds.of(run.job_uid), now)
    waits = [
        end_of_hold(hold, run.job)
        for hold in holds
        if hold.kind == PAUSED or family(hold.kind) in KEEPS_PAUSED
    ]
    if OPERATOR in run.pauses:
        waits.append(f"somebody who resumes it (runner instances resume {run.id})")
    if WINDOW in run.pauses:
        record = reader.objects.by_uid(run.job_uid)
        waits.append((record and closed_window(record, run, now)) or IS_OPEN)
    if not waits:
        waits.append("the next daemon (runner up)")
    return "; ".join(waits)


def closed_window(record: ObjectRecord, run: InstanceRecord, now: datetime) -> str:
    """The opening that a run waits for; empty when it is bound to no window, or may start."""
    if not any(settings.get("window") for settings in record.resolved["schedules"].values()):
        return ""
    from runner.operations.schedulable import window_of
    from runner.schedules.window import Window

    try:
        schedules = schedules_of(record)
    except DamagedRow:  # told by whoever lists the job
        return ""
    window = window_of(run, {name: each for name, each in schedules.items() if isinstance(each, Window)})
    opening = None if window is None else window.opening_at(now)
    if window is None or (opening is not None and opening.may_start(now)):
        return ""
    following = window.next_opening(now)
    if following is None:
        return "the end of its range: its last window has closed"
    local = following.opens_at.astimezone(window.zone)
    late = "it is too late to start in this window; " if opening is not None else ""
    return f"{late}its window to open at {local:%a %Y-%m-%d %H:%M} {window.zone.key}"


def end_of_hold(hold: HoldRecord, job: str) -> str:
    """A hold as something to wait for, and what ends it."""
    kind, _, name = hold.kind.partition(":")
    ends = {
        "paused": f"runner jobs resume {job}",
        "operator": f"runner jobs enable {job}",
        "new": f"runner jobs enable {job}",
        "maintenance": "runner maintenance off",
        "group": f"runner groups enable {name}",
    }
    by = "spec.enabled in git" if hold.owner == "git" else ends.get(kind, f"runner jobs show {job}")
    until = f" at {to_the_second(hold.until)}" if hold.until is not None else ""
    return f"the end{until} of hold {hold.kind} of {hold.owner} ({by})"


def _reason(reader: Reader, run: InstanceRecord, reason: str, behind: int, now: datetime) -> str:
    who = _named(reader, behind)
    if reason == OVERLAP:
        before = sum(
            each.state == "SCHEDULED" and each.epoch == 0 and each.due_at <= now
            and (each.due_at, each.id) < (run.due_at, run.id)
            for each in reader.instances.unfinished_of(run.job_uid)
        )  # fmt: skip
        return f"{who}, and {before} that wait before it" if before else who
    if reason.startswith("turn at "):
        return f"its {reason}, after {who}, which fell due earlier"
    return f"{reason}, which {who} has"


def _named(reader: Reader, id: int) -> str:
    other = reader.instances.get(id)
    return f"instance {id}" if other is None else f"instance {id} of {other.job} ({other.state})"


def locks_in_use(reader: Reader, now: datetime) -> tuple[LockInUse, ...]:
    """By name; groups only while somebody waits for a place in them."""
    holders = reader.instances.holders()
    waiting = reader.instances.waiting_for_locks(now)
    found = []
    for name in sorted({name for holder in holders for name in holder.locks}):
        having = [holder for holder in holders if name in holder.locks]
        others = tuple(run.id for run in waiting if name in run.locks)
        if others or not name.startswith("group:"):
            found.append(
                LockInUse(
                    place_named(name),
                    tuple(holder.id for holder in having),
                    tuple(holder.job for holder in having),
                    min(holder.since for holder in having),
                    others,
                )
            )
    return tuple(found)
