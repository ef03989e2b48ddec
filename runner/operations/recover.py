"""Bring instances of a daemon that is gone to a true state, before anything new starts."""

from __future__ import annotations

from datetime import datetime

from runner.lifecycle.instance import INSTANCE
from runner.operations.finish_instance import crash
from runner.operations.outcome import Finished, Recording
from runner.store.port import Transaction

RECOVERY = "system:recovery"


def recover(tx: Transaction, now: datetime) -> tuple[Finished, ...]:
    """Decide every instance that was live when its daemon died; resume what was evicted at a stop.

    The caller has made sure that none of their processes is left: this daemon holds the database's lock, and
    what an earlier one left behind has been ended.
    """
    recovered: list[Finished] = []
    error = {"code": "crash", "description": "the daemon ended without a word, and its processes with it"}
    for instance in tx.instances.live():
        spec = tx.revisions.get(instance.job_uid, instance.digest) or {
            "onCrash": "fail",
            "failAfter": "never",
        }
        recovered.append(crash(Recording(tx, instance, spec, now, RECOVERY), error))
    for instance in tx.instances.list(states=("PAUSED",), limit=None):
        if instance.reason == "eviction":
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
            recovered.append(Finished(instance.id, instance.job, move.after, "resumed", now))
    return tuple(recovered)
