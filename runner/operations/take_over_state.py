"""Does a new instance go on with what a failed one saved? (lifecycle.md, principle 9)"""

from __future__ import annotations

from datetime import datetime

from runner.store.instances import InstanceRecord
from runner.store.port import Transaction


def take_over_state(tx: Transaction, instance: InstanceRecord, limit: int | None, now: datetime) -> int:
    """How many rows it takes over: those of the run that it repeats, or, where one instance at a time is the
    limit, those of the job's last run that saved anything, if that failed. The sleeps of the other run and
    its info stay behind.
    """
    predecessor = instance.rerun_of
    if predecessor is None:
        if limit != 1:
            return 0
        predecessor = tx.state.last_owner(instance.job_uid)
        if predecessor is None or predecessor == instance.id:
            return 0
        before = tx.instances.get(predecessor)
        if before is None or before.state != "FAILED":
            return 0
    return tx.state.take_over(instance.id, predecessor=predecessor, at=now)
