"""Force what has not come to its end in time: PAUSING, STOPPING and UNKNOWN are states to pass through."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.pausing import Pausable
from runner.operations.end_runs import STOP_PATIENCE
from runner.operations.finish_instance import crash
from runner.operations.outcome import Finished, Recording, definition_of
from runner.operations.pausing import force_pause, how_to_pause
from runner.operations.unknown_ends import LOST
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

CLOCK = "system:clock"

UNKNOWN_TIMEOUT = timedelta(hours=1)
"""How long an instance of which nothing is known may stay so before it is taken for dead (I42, I43)."""


def force_overdue(tx: Transaction, now: datetime, waited_for: Collection[int] = ()) -> tuple[Finished, ...]:
    """Move everything whose time is over; what came to an end by that.

    `waited_for` are instances in a step that a stop lets end first: their time begins anew.
    """
    ended: list[Finished] = []
    for instance in tx.instances.overdue(now):
        if instance.state == "PAUSING":
            _end_pausing(tx, instance, now)
        elif instance.state == "UNKNOWN":
            recording = Recording(tx, instance, definition_of(tx, instance), now, CLOCK)
            error = {"code": LOST, "description": "nothing was heard of it, and its time is over"}
            ended.append(crash(recording, error, proven=False))
        elif instance.id in waited_for:
            tx.instances.update(instance.id, epoch=instance.epoch, forced_at=now + STOP_PATIENCE)
        else:
            lose(tx, instance, who=CLOCK, why="it was killed, and its end cannot be proven", now=now)
    return tuple(ended)


def lose(
    tx: Transaction,
    instance: InstanceRecord,
    *,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """UNKNOWN: neither its life nor its death can be proven (I20, I27, I40); nothing else of it may start.

    What was to end keeps the reason of that: whatever becomes of it, it is not begun again.
    """
    move = INSTANCE.move(instance.state, "lose")
    tx.instances.move(
        instance.id,
        move,
        epoch=instance.epoch,
        at=now,
        who=who,
        why=why,
        reason=instance.reason if instance.state == "STOPPING" else LOST,
        forced_at=now + UNKNOWN_TIMEOUT,
    )


def _end_pausing(tx: Transaction, instance: InstanceRecord, now: datetime) -> None:
    """I26, or I22 when nothing of it may be begun anew: then the pause has failed, and it runs on."""
    how = how_to_pause(tx, instance)
    if isinstance(how, Pausable) and how.forced:
        force_pause(tx, instance, who=CLOCK, now=now, until=now + STOP_PATIENCE)
        return
    why = "no step of it ended in time, and none may be interrupted; it runs on"
    move = INSTANCE.move("PAUSING", "resume")
    tx.instances.move(instance.id, move, epoch=instance.epoch, at=now, who=CLOCK, why=why, reason="")
