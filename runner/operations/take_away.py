"""Make an installed object a tombstone; a job that still runs goes once it has ended."""

from __future__ import annotations

from datetime import datetime

from runner.operations.holding import hold_job
from runner.reconcile.switches import GIT
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction


def take_away(tx: Transaction, record: ObjectRecord, *, who: str, reason: str, now: datetime) -> bool:
    """Whether it is gone already; a job that drains is held as `removed`, and what only waits is dropped."""
    if record.kind == "Job" and tx.instances.unfinished_of(record.uid):
        held = "its declaration was removed"
        hold_job(tx, record, "removed", owner=GIT, who=who, reason=held, now=now)
        if tx.instances.unfinished_of(record.uid):
            return False
    tx.objects.remove(record.uid, expected_digest=record.digest, at=now, who=who, why=reason)
    return True
