"""Bring instances that no process belongs to any more to a true state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from runner.lifecycle.instance import LIVE
from runner.lifecycle.pausing import EVICTION
from runner.operations.finish_instance import crash
from runner.operations.force import lose
from runner.operations.outcome import Finished, Recording, definition_of
from runner.operations.pausing import resume_instance
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction

RECOVERY = "system:recovery"
DAEMON_DIED = "the daemon ended without a word, and its processes with it"
NOT_TOLD = "its process is gone, and its end could not be recorded"
CANNOT_END = "its process was killed and does not end: it waits for a device or a file system"


def left_behind(reader: Reader) -> tuple[int, ...]:
    """What a new daemon has to recover: what was live when the last one died, and what it evicted."""
    evicted = (i for i in reader.instances.list(states=("PAUSED",), limit=None) if EVICTION in i.pauses)
    return tuple(sorted(instance.id for instance in (*reader.instances.live(), *evicted)))


def recover(
    tx: Transaction,
    ids: Iterable[int],
    now: datetime,
    description: str = DAEMON_DIED,
    is_there: Callable[[InstanceRecord], bool] = lambda instance: False,
) -> tuple[Finished, ...]:
    """Decide every one of these that is live as a crash; resume what was evicted at a stop.

    The caller holds the database's lock, and has ended what an earlier daemon left behind. `is_there` says
    of which the process is there all the same: nothing can be proven of those (I20, I27).
    """
    recovered: list[Finished] = []
    for id in ids:
        instance = tx.instances.get(id)
        if instance is None:
            continue
        if instance.state in LIVE and _is_executed_elsewhere(tx, instance):
            continue  # no daemon's end is the end of it; its reports, or their absence, decide
        if instance.state in LIVE and is_there(instance):
            if instance.state != "UNKNOWN":
                lose(tx, instance, who=RECOVERY, why=CANNOT_END, now=now)
                recovered.append(Finished(id, instance.job, "UNKNOWN", CANNOT_END))
        elif instance.state in LIVE:
            error = {"code": "crash", "description": description}
            recording = Recording(tx, instance, definition_of(tx, instance), now, RECOVERY)
            recovered.append(crash(recording, error))
            instance = tx.instances.get(id) or instance
        if instance.state == "PAUSED" and EVICTION in instance.pauses:
            recovered.append(_resume(tx, instance, now))
    return tuple(recovered)


def _is_executed_elsewhere(tx: Transaction, instance: InstanceRecord) -> bool:
    run = tx.external.get(instance.id)
    return run is not None and run.epoch == instance.epoch


def _resume(tx: Transaction, instance: InstanceRecord, now: datetime) -> Finished:
    """What was evicted goes on (I28), unless something else keeps it paused."""
    resume_instance(tx, instance, (EVICTION,), who=RECOVERY, why="the daemon is back", now=now)
    after = tx.instances.get(instance.id) or instance
    due_at = after.due_at if after.state == "SCHEDULED" else None
    return Finished(after.id, after.job, after.state, after.reason, due_at)
