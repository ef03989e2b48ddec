"""Claim a waiting instance: the one moment at which overlap, holds and deadlines are decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.dispatch.missed import is_in_a_queue
from runner.dispatch.start import Skip, Start, Wait, decide_start
from runner.lifecycle.holds import active
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.expire_waiting import expire
from runner.operations.holding import end_waiting
from runner.operations.outcome import NotStarted
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
class Waits:
    """The instance goes on waiting, for something else than a place: its job is paused, or another runs."""

    reason: str


def claim_instance(
    tx: Transaction,
    instance: InstanceRecord,
    job: SchedulableJob | None,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
) -> Claimed | NotStarted | Waits:
    """Claim the instance, or record why it does not start.

    `instance` is how it was found waiting; `steps` are those of its definition. Without a `job`, what is
    installed is asked. One guarded write raises the epoch (lifecycle.md, principle 3), in the transaction
    that looked at the open set (R11): ChangedMeanwhile when it no longer waits as it did.
    """
    ended = expire(tx, instance, now, DISPATCHER)
    if ended is not None:
        return ended
    overlap = _overlap(tx, instance, job)
    if overlap is None:
        return _skip(tx, instance, now, "removed")
    policy, limit = ("queue", overlap[1]) if is_in_a_queue(instance.trigger) else overlap  # R10
    others = (
        [other.id for other in tx.instances.open_of(instance.job_uid) if other.id != instance.id]
        if policy != "allow"
        else []
    )
    decision = decide_start(
        active(tx.holds.of(instance.job_uid), now),
        others,
        policy=policy,
        limit=limit,
        origin=instance.origin,
        force=bool(instance.trigger.get("force")),
        begun=instance.epoch > 0,
    )
    match decision:
        case Start(forced=forced):
            return Claimed(_claim(tx, instance, steps, session, now, forced))
        case Skip(reason=reason, blocker=blocker):
            return _skip(tx, instance, now, f"{reason}: {blocker}" if reason == "overlap" else reason)
        case Wait(reason=reason):
            return Waits(reason)


def _overlap(
    tx: Transaction, instance: InstanceRecord, job: SchedulableJob | None
) -> tuple[str, int | None] | None:
    """The policy and the limit of the job; None when it is not installed any more."""
    if job is not None:
        return job.overlap, job.limit
    record = tx.objects.by_uid(instance.job_uid)
    if record is None or record.removed_at is not None:
        return None
    declared = record.resolved.get("concurrency") or {}
    return declared.get("policy", "skip"), declared.get("limit", 1)


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


def _skip(tx: Transaction, instance: InstanceRecord, now: datetime, reason: str) -> NotStarted:
    event = "skip" if instance.attempt == 0 else "cancel"
    end_waiting(tx, instance, event, reason, who=DISPATCHER, now=now)
    return NotStarted(instance.id, instance.job, INSTANCE.move("SCHEDULED", event).after, reason)
