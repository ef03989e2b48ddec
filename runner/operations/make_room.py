"""Take older instances of a job out of the way of a newer one (I10, I19, I32, I34)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runner.dispatch.missed import is_in_a_queue
from runner.lifecycle.instance import INSTANCE
from runner.operations.end_runs import end_waiting, stop_running
from runner.operations.outcome import REPLACE, NotStarted
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction


def make_room(
    tx: Transaction, ids: Iterable[int], newer: InstanceRecord, now: datetime, who: str
) -> tuple[tuple[int, ...], tuple[NotStarted, ...]]:
    """End these open instances: those that have a process are asked to stop, the others are REPLACED.

    Returns the ids of the first, and what became of the second.
    """
    stopping: list[int] = []
    replaced: list[NotStarted] = []
    for id in ids:
        older = tx.instances.get(id)
        if older is None:
            continue
        if INSTANCE.accepts(older.state, "replace"):
            replaced.append(_replace(tx, older, newer, now, who))
        elif INSTANCE.accepts(older.state, "stop"):
            tx.instances.update(id, epoch=older.epoch, replaced_by=newer.id)
            stop_running(tx, older, REPLACE, who=who, why=f"replaced by instance {newer.id}", now=now)
            stopping.append(id)
    return tuple(stopping), tuple(replaced)


def displace_earlier(
    tx: Transaction, newest: InstanceRecord, now: datetime, who: str
) -> tuple[NotStarted, ...]:
    """REPLACED, for the starts of the job that wait and were made before `newest`: one place to wait.

    What has begun keeps its place, and what is caught up its turn (R10).
    """
    return tuple(
        _replace(tx, earlier, newest, now, who)
        for earlier in tx.instances.unfinished_of(newest.job_uid)
        if earlier.id < newest.id
        and earlier.state == "SCHEDULED"
        and earlier.epoch == 0
        and earlier.due_at <= now
        and not is_in_a_queue(earlier.trigger)
    )


def _replace(
    tx: Transaction, older: InstanceRecord, newer: InstanceRecord, now: datetime, who: str
) -> NotStarted:
    why = f"replaced by instance {newer.id}"
    tx.instances.update(older.id, epoch=older.epoch, replaced_by=newer.id)
    end_waiting(tx, older, "replace", REPLACE, who=who, now=now, why=why)
    return NotStarted(older.id, older.job, "REPLACED", why)
