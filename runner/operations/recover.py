"""Bring instances that no process belongs to any more to a true state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runner.lifecycle.instance import INSTANCE, LIVE
from runner.operations.finish_instance import crash
from runner.operations.outcome import Finished, Recording, definition_of
from runner.store.port import Reader, Transaction
from runner.store.records import InstanceRecord

RECOVERY = "system:recovery"
EVICTION = "eviction"
DAEMON_DIED = "the daemon ended without a word, and its processes with it"
NOT_TOLD = "its process is gone, and its end could not be recorded"


def left_behind(reader: Reader) -> tuple[int, ...]:
    """What a new daemon has to recover: what was live when the last one died, and what it evicted."""
    evicted = (i for i in reader.instances.list(states=("PAUSED",), limit=None) if i.reason == EVICTION)
    return tuple(sorted(instance.id for instance in (*reader.instances.live(), *evicted)))


def recover(
    tx: Transaction, ids: Iterable[int], now: datetime, description: str = DAEMON_DIED
) -> tuple[Finished, ...]:
    """Decide every one of these that is live as a crash; resume what was evicted at a stop.

    The caller has made sure that none of their processes is left: this daemon holds the database's lock, and
    what an earlier one left behind has been ended.
    """
    recovered: list[Finished] = []
    for id in ids:
        instance = tx.instances.get(id)
        if instance is None:
            continue
        if instance.state in LIVE:
            error = {"code": "crash", "description": description}
            recording = Recording(tx, instance, definition_of(tx, instance), now, RECOVERY)
            recovered.append(crash(recording, error))
        elif instance.state == "PAUSED" and instance.reason == EVICTION:
            recovered.append(_resume(tx, instance, now))
    return tuple(recovered)


def _resume(tx: Transaction, instance: InstanceRecord, now: datetime) -> Finished:
    move = INSTANCE.move("PAUSED", "resume")
    tx.instances.move(
        instance.id,
        move,
        epoch=instance.epoch,
        at=now,
        who=RECOVERY,
        why="the daemon is back",
        reason="resumed",
        due_at=now,
    )
    return Finished(instance.id, instance.job, move.after, "resumed", now)
