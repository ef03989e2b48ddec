"""What does a run wait for that is due, who holds which lock, and who waits for it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.dispatch.places import place_named
from runner.dispatch.start import OVERLAP, Replace, Wait
from runner.operations.decide_claim import decide_claim, needs_of, overlap_of
from runner.operations.outcome import definition_of
from runner.store.port import Reader
from runner.store.records import InstanceRecord

ANY_PLACE = "a free place among the runs of the daemon"


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """Why a run that is due has not started: in words, and the run that it waits behind, if any."""

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
    if run.state != "SCHEDULED" or run.due_at > now:
        return None
    record = reader.objects.by_uid(run.job_uid)
    if record is None or record.removed_at is not None:
        return None
    spec = definition_of(reader, run)
    answer = decide_claim(reader, run, overlap_of(record.resolved), needs_of(reader, spec), now)
    match answer:
        case Replace(ids=ids):
            return WaitsFor(f"{_named(reader, ids[0])} to be stopped, which it replaces", ids[0])
        case Wait(reason="paused"):
            return WaitsFor("its job, which is paused")
        case Wait(reason=reason, blocker=blocker):
            behind = int(blocker)
            return WaitsFor(_reason(reader, run, reason, behind, now), behind)
    return WaitsFor(ANY_PLACE)


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
