"""End the waiting of instances whose start deadline or expiry has passed."""

from __future__ import annotations

from datetime import datetime

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.claim_instance import NotStarted
from runner.store.port import Transaction

CLOCK = "system:clock"


def expire_waiting(tx: Transaction, now: datetime) -> tuple[NotStarted, ...]:
    """SKIPPED for what never began (I5), FAILED for what did (I7, I30); returns what was ended, and why."""
    ended: list[NotStarted] = []
    for instance in tx.instances.late(now):
        begun = instance.attempt > 0
        expired = instance.expires_at is not None and instance.expires_at <= now
        if begun and not expired:
            continue
        reason = "expired" if expired else "late"
        event = "expire" if begun or instance.state == "PAUSED" else "late"
        move = INSTANCE.move(instance.state, event)
        for task in tx.tasks.of(instance.id):
            if task.state in ("SCHEDULED", "RESCHEDULED"):
                tx.tasks.move(
                    instance.id,
                    task.target,
                    TASK.move(task.state, "expire" if begun else "cancel"),
                    epoch=instance.epoch,
                    at=now,
                    who=CLOCK,
                    reason=reason,
                )
        tx.instances.move(
            instance.id, move, epoch=instance.epoch, at=now, who=CLOCK, why=reason, reason=reason
        )
        ended.append(NotStarted(instance.id, instance.job, move.after, reason))
    return tuple(ended)
