"""End the waiting of instances whose start deadline or expiry has passed."""

from __future__ import annotations

from datetime import datetime

from runner.operations.end_runs import end_waiting
from runner.operations.outcome import NotStarted, Recording, definition_of
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

CLOCK = "system:clock"


def expire_waiting(tx: Transaction, now: datetime) -> tuple[NotStarted, ...]:
    """SKIPPED for what never began (I5), FAILED for what did (I7, I30); returns what was ended, and why."""
    ended = (expire(tx, instance, now, CLOCK) for instance in tx.instances.late(now))
    return tuple(each for each in ended if each is not None)


def expire(tx: Transaction, instance: InstanceRecord, now: datetime, who: str) -> NotStarted | None:
    """End one that waits or is paused, when it is too late for it; None when it is not."""
    expired = instance.expires_at is not None and instance.expires_at <= now
    if expired and (instance.attempt > 0 or instance.state == "PAUSED"):
        ended = Recording(tx, instance, definition_of(tx, instance), now, who).expire()
        return NotStarted(instance.id, instance.job, ended.state, ended.reason, ended.job_failed)
    late = instance.start_deadline is not None and instance.start_deadline <= now
    if instance.state != "SCHEDULED" or instance.attempt > 0 or not (expired or late):
        return None
    reason = "expired" if expired else "late"
    end_waiting(tx, instance, "late", reason, who=who, now=now)
    return NotStarted(instance.id, instance.job, "SKIPPED", reason)
