"""Take in what triggers a job: once, into the database, or with the reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.access.signature import holds_for_ever
from runner.dispatch.feeding import decide_arrival
from runner.lifecycle.holds import family
from runner.schedules.trigger import Flow
from runner.store.arrivals import DROPPED, WAITING, NewItem
from runner.store.holds import HoldRecord
from runner.store.port import Transaction
from runner.store.slots import SlotRecord

WHO = "system:trigger"

PATIENT = frozenset({"paused", "maintenance", "failure", "auth", "missing_ref"})
"""Holds under which what arrives waits: they end, and who sent it may not send it again. Under the others the
job is switched off: what arrives then is refused, or recorded as dropped."""

DUPLICATE, REFUSED, QUEUED = "duplicate", "refused", "queued"
OVERFLOW = "overflow"

REQUEST = "webhook:"
"""Begins the key of a request; its id is what follows."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What became of it: `queued`, `duplicate` (known), `dropped` (recorded) or `refused` (not taken)."""

    outcome: str
    item: int | None = None
    instance: int | None = None
    reason: str = ""


def switched_off(holds: Iterable[HoldRecord]) -> HoldRecord | None:
    """The hold under which nothing is taken in; None while arrivals wait or start."""
    return next((hold for hold in holds if family(hold.kind) not in PATIENT), None)


def arrive(
    tx: Transaction, new: NewItem, flow: Flow, now: datetime, *, waiting: int | None = None
) -> Arrived:
    """Keep the item, unless its key is known for that schedule or the queue is full.

    `waiting` is how many wait already, for who has counted them.
    """
    known = tx.arrivals.find(new.job_uid, new.schedule, new.key)
    if known is not None:
        return Arrived(DUPLICATE, known.id, known.instance_id, known.state.lower())
    if was_delivered(tx, new.job_uid, new.schedule, new.key):
        return Arrived(DUPLICATE, reason="so long ago that only this is known of it")
    if waiting is None:
        waiting = tx.arrivals.count_waiting(new.job_uid, new.schedule)
    room = decide_arrival(waiting, flow)
    if room.action == "refuse":
        return Arrived(REFUSED, reason=OVERFLOW)
    if room.action == "drop-newest":
        return drop_new(tx, new, f"{OVERFLOW}: {flow.limit} wait already", OVERFLOW, now)
    if room.action == "drop-oldest":
        oldest = tx.arrivals.waiting(new.job_uid, new.schedule, room.drop)
        drop_waiting(tx, [item.id for item in oldest], f"{OVERFLOW}: newer ones came", OVERFLOW, now)
    return Arrived(QUEUED, tx.arrivals.add(new, at=now))


def was_delivered(tx: Transaction, job_uid: str, schedule: str, key: str) -> bool:
    """Whether it is a request that came so long ago that only that is known of it."""
    return is_remembered(key) and tx.arrivals.was_delivered(job_uid, schedule, key)


def is_remembered(key: str) -> bool:
    """Whether an item of that key can come again at any time, as long as its secret is not replaced."""
    return key.startswith(REQUEST) and holds_for_ever(key.removeprefix(REQUEST))


def drop_new(
    tx: Transaction, new: NewItem, reason: str, rule: str, now: datetime, blocker: str = ""
) -> Arrived:
    """Record that it came and is not taken; it counts as known from now on."""
    id = tx.arrivals.add(new, at=now, state=DROPPED, reason=reason)
    _note(tx, new, now, reason, rule, now, blocker)
    return Arrived("dropped", id, reason=reason)


def drop_waiting(
    tx: Transaction,
    ids: Sequence[int],
    reason: str,
    rule: str,
    now: datetime,
    *,
    state: str = DROPPED,
    expected: str = WAITING,
) -> int:
    """End items that wait; how many. The ledger of the job keeps each with its reason."""
    ended = 0
    for item in tx.arrivals.load(ids):
        if tx.arrivals.settle([item.id], state, reason=reason, at=now, expected=expected):
            _note(tx, item, item.arrived_at, reason, rule, now)
            ended += 1
    return ended


def _note(
    tx: Transaction, item: NewItem, at: datetime, reason: str, rule: str, now: datetime, blocker: str = ""
) -> None:
    row = SlotRecord(
        item.job_uid,
        item.schedule,
        item.key,
        at,
        "skipped",
        reason,
        None,
        now,
        rule=rule,
        blocker=blocker,
    )
    tx.slots.decide(row, move_watermark=False)
