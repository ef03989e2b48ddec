"""What has arrived for a job, and what an operator does with an item that failed or is in the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.arrive import drop_waiting
from runner.operations.selection import installed
from runner.store.arrivals import DROPPED, FAILED, WAITING, Item
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import IllegalTransition, UnknownName


@dataclass(frozen=True, slots=True)
class ActedOnItem:
    """What was done: whether anything changed, and the item's state now."""

    id: int
    job: str
    changed: bool
    state: str


def list_items(reader: Reader, name: str, states: Iterable[str] | None, limit: int) -> tuple[Item, ...]:
    """What arrived for the job, newest first."""
    return tuple(reader.arrivals.of_job(installed(reader, "Job", name).uid, states, limit))


def give_again(
    tx: Transaction, name: str, id: int, *, actor: Actor, reason: str, now: datetime
) -> ActedOnItem:
    """Let an item that failed or was dropped wait again: it starts the job as one that has just arrived."""
    may(actor, "rerun")
    record, item = _item(tx, name, id)
    if item.state == WAITING:
        return ActedOnItem(id, name, False, item.state)
    if not tx.arrivals.again(id):
        raise IllegalTransition(
            f"item {id} of {name} is {item.state}; --again is accepted in {FAILED} and {DROPPED}"
        )
    _event(tx, record, "item.again", id, actor, reason, now)
    return ActedOnItem(id, name, True, WAITING)


def drop_item(
    tx: Transaction, name: str, id: int, *, actor: Actor, reason: str, now: datetime
) -> ActedOnItem:
    """Give up an item that waits or has failed; it stays known, so it does not come again by itself."""
    may(actor, "skip")
    record, item = _item(tx, name, id)
    if item.state == DROPPED:
        return ActedOnItem(id, name, False, item.state)
    if item.state not in (WAITING, FAILED):
        raise IllegalTransition(
            f"item {id} of {name} is {item.state}; --drop is accepted in {WAITING} and {FAILED}"
        )
    why = f"dropped by {actor}" + (f": {reason}" if reason else "")
    drop_waiting(tx, [id], why, "operator-skip", now, expected=item.state)
    _event(tx, record, "item.dropped", id, actor, reason, now)
    return ActedOnItem(id, name, True, DROPPED)


def _item(tx: Transaction, name: str, id: int) -> tuple[ObjectRecord, Item]:
    record = installed(tx, "Job", name)
    item = tx.arrivals.get(id)
    if item is None or item.job_uid != record.uid:
        raise UnknownName(f"Job/{name} has no item {id}; it has those of: runner jobs items {name}")
    return record, item


def _event(
    tx: Transaction, record: ObjectRecord, event: str, id: int, actor: Actor, reason: str, now: datetime
) -> None:
    tx.events.append("Job", record.name, event, at=now, who=str(actor), why=reason, details={"item": id})
