"""Claim a waiting instance: the one moment at which overlap, holds and deadlines are decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.dispatch.start import Skip, Start, decide_start
from runner.lifecycle.holds import active
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.schedulable import SchedulableJob
from runner.store.port import Transaction
from runner.store.records import InstanceRecord, NewStep
from runner.vocabulary.errors import ChangedMeanwhile

DISPATCHER = "system:dispatcher"


@dataclass(frozen=True, slots=True)
class Claimed:
    """The instance is ours to start, at this epoch."""

    instance: InstanceRecord


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The instance was skipped, or waits: the reason, and what stands in the way."""

    instance_id: int
    job: str
    outcome: str
    reason: str


def claim_instance(
    tx: Transaction,
    instance: InstanceRecord,
    job: SchedulableJob | None,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
) -> Claimed | NotStarted | None:
    """Claim the instance, or record why it does not start; None when it no longer waits as it did.

    `instance` is how it was found waiting; `steps` are those of its definition.

    One guarded write raises the epoch (lifecycle.md, principle 3), in the transaction that looked at the
    open set (R11).
    """
    try:
        return _decide(tx, instance, job, steps, session, now)
    except ChangedMeanwhile:
        return None


def _decide(
    tx: Transaction,
    instance: InstanceRecord,
    job: SchedulableJob | None,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
) -> Claimed | NotStarted | None:
    late = _late(instance, now)
    if late is not None:
        return _end(tx, instance, now, "late" if instance.attempt == 0 else "expire", late)
    if job is None:
        return _skip(tx, instance, now, "removed")
    policy = "queue" if instance.trigger.get("missed") else job.overlap  # R10: caught up one at a time
    others = (
        [other.id for other in tx.instances.open_of(job.uid) if other.id != instance.id]
        if policy != "allow"
        else []
    )
    decision = decide_start(
        active(tx.holds.of(job.uid), now),
        others,
        policy=policy,
        limit=job.limit,
        origin=instance.origin,
        force=bool(instance.trigger.get("force")),
        begun=instance.epoch > 0,
    )
    match decision:
        case Start(forced=forced):
            return Claimed(_claim(tx, instance, steps, session, now, forced))
        case Skip(reason=reason, blocker=blocker):
            return _skip(tx, instance, now, f"{reason}: {blocker}" if reason == "overlap" else reason)
        case _:
            return None


def _claim(
    tx: Transaction,
    instance: InstanceRecord,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
    forced: str,
) -> InstanceRecord:
    tx.instances.claim(
        instance.id,
        INSTANCE.move("SCHEDULED", "claim"),
        epoch=instance.epoch,
        at=now,
        who=DISPATCHER,
        why=f"forced past {forced}" if forced else "",
        session_id=session,
    )
    claimed = tx.instances.get(instance.id)
    if claimed is None:  # the claim has just succeeded in this transaction
        raise ChangedMeanwhile(f"instance {instance.id} is gone")
    first = instance.epoch == 0
    if first:
        tx.steps.create_all(claimed.id, "-", steps)
    tx.tasks.move(
        claimed.id,
        "-",
        TASK.move("SCHEDULED" if first else "RESCHEDULED", "start"),
        epoch=claimed.epoch,
        at=now,
        who=DISPATCHER,
    )
    return claimed


def _late(instance: InstanceRecord, now: datetime) -> str | None:
    if instance.expires_at is not None and instance.expires_at <= now:
        return "expired"
    if instance.attempt == 0 and instance.start_deadline is not None and instance.start_deadline <= now:
        return "late"
    return None


def _skip(tx: Transaction, instance: InstanceRecord, now: datetime, reason: str) -> NotStarted:
    return _end(tx, instance, now, "skip" if instance.attempt == 0 else "cancel", reason)


def _end(tx: Transaction, instance: InstanceRecord, now: datetime, event: str, reason: str) -> NotStarted:
    for task in tx.tasks.of(instance.id):
        if task.state in ("SCHEDULED", "RESCHEDULED"):
            tx.tasks.move(
                instance.id,
                task.target,
                TASK.move(task.state, "cancel"),
                epoch=instance.epoch,
                at=now,
                who=DISPATCHER,
                reason=reason,
            )
    move = INSTANCE.move("SCHEDULED", event)
    tx.instances.move(
        instance.id, move, epoch=instance.epoch, at=now, who=DISPATCHER, why=reason, reason=reason
    )
    return NotStarted(instance.id, instance.job, move.after, reason)
