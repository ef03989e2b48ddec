"""Put a claimed instance back whose process was never started, because the daemon stops."""

from __future__ import annotations

from datetime import datetime

from runner.operations.consecutive_failures import SHUTDOWN
from runner.operations.outcome import Finished, Recording, definition_of
from runner.store.port import Transaction

DISPATCHER = "system:dispatcher"


def put_back(tx: Transaction, instance_id: int, epoch: int, now: datetime) -> Finished | None:
    """PAUSED until the daemon is back, whatever `onCrash` says: nothing of it has run (I19, I36).

    None when a later epoch owns it.
    """
    instance = tx.instances.get(instance_id)
    if instance is None or instance.epoch != epoch or instance.state not in ("RUNNING", "STOPPING"):
        return None
    recording = Recording(tx, instance, definition_of(tx, instance), now, DISPATCHER)
    if instance.state == "STOPPING":
        return recording.stopped()
    recording.stop(SHUTDOWN)
    return recording.evicted()
