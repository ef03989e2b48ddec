"""Claim a waiting instance: the one moment at which overlap, holds and deadlines are decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.dispatch.places import Need
from runner.dispatch.start import Replace, Skip, Start, Wait
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.decide_claim import Overlap, decide_claim, needs_of, overlap_of
from runner.operations.end_runs import end_waiting
from runner.operations.expire_waiting import expire
from runner.operations.job_moves import note_start_past_holds
from runner.operations.make_room import displace_earlier, make_room
from runner.operations.outcome import NotStarted
from runner.operations.schedulable import SchedulableJob
from runner.operations.take_over_state import take_over_state
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.steps import NewStep
from runner.vocabulary.errors import ChangedMeanwhile

DISPATCHER = "system:dispatcher"
NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Claimed:
    """The instance is ours to start, at this epoch; `replaced` had to go for it."""

    instance: InstanceRecord
    replaced: tuple[NotStarted, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The instance goes on waiting, for something else than a place in the daemon: its job is paused, another
    instance runs or holds a lock (`blocker`). `stopping` are being stopped to make room for it, `replaced`
    are gone already.
    """

    reason: str
    blocker: str = ""
    stopping: tuple[int, ...] = ()
    replaced: tuple[NotStarted, ...] = ()


def claim_instance(
    tx: Transaction,
    instance: InstanceRecord,
    job: SchedulableJob | None,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
    spec: Mapping[str, Any] = NOTHING,
) -> Claimed | NotStarted | Waits:
    """Claim the instance, or record why it does not start.

    `instance` is how it was found waiting; `steps` and `spec` are those of its definition. Without a `job`,
    what is installed is asked. One guarded write raises the epoch (lifecycle.md, principle 3), in the
    transaction that looked at the open set (R11) and at who holds its locks: ChangedMeanwhile when it no
    longer waits as it did.
    """
    ended = expire(tx, instance, now, DISPATCHER)
    if ended is not None:
        return ended
    overlap = _overlap(tx, instance, job)
    if overlap is None:
        return skip_waiting(tx, instance, now, "removed")
    if job is not None and job.windows and not job.may_begin(instance, now):
        return Waits("window")
    needs = needs_of(tx, spec) if spec.get("locks") or spec.get("groups") else ()
    holds = tx.holds.of(instance.job_uid)
    decision = decide_claim(tx, instance, overlap, holds, needs, now)
    stopping: tuple[int, ...] = ()
    replaced: tuple[NotStarted, ...] = ()
    if isinstance(decision, Replace):
        stopping, replaced = make_room(tx, decision.ids, instance, now, DISPATCHER)
        holds = tx.holds.of(instance.job_uid)
        decision = decide_claim(tx, instance, overlap, holds, needs, now)
    match decision:
        case Start(forced=forced):
            if instance.epoch == 0:
                take_over_state(tx, instance, None if overlap.policy == "allow" else overlap.limit, now)
            note = note_start_past_holds(tx, instance, holds, forced, now)
            claimed = _claim(tx, instance, steps, session, now, forced, needs)
            note()
            return Claimed(claimed, replaced)
        case Skip(reason=reason, blocker=blocker):
            return skip_waiting(tx, instance, now, f"{reason}: {blocker}" if reason == "overlap" else reason)
        case Wait():
            if decision.displaces:
                replaced = (*replaced, *displace_earlier(tx, instance, now, DISPATCHER))
            _queue_up(tx, instance, needs if decision.for_places else ())
            return Waits(decision.reason, decision.blocker, stopping, replaced)
        case Replace():
            raise AssertionError("what was replaced is still in the way")


def _queue_up(tx: Transaction, instance: InstanceRecord, needs: Sequence[Need]) -> None:
    """Keep with an instance what it waits for, so that none that falls due later takes it first."""
    names = tuple(need.name for need in needs)
    if names != instance.locks:
        tx.instances.update(instance.id, epoch=instance.epoch, locks=names)


def _overlap(tx: Transaction, instance: InstanceRecord, job: SchedulableJob | None) -> Overlap | None:
    """The policy and the limit of the job; None when it is not installed any more."""
    if job is not None:
        return Overlap(job.overlap, job.limit)
    record = tx.objects.by_uid(instance.job_uid)
    if record is None or record.removed_at is not None:
        return None
    return overlap_of(record.resolved)


def _claim(
    tx: Transaction,
    instance: InstanceRecord,
    steps: Sequence[NewStep],
    session: int,
    now: datetime,
    forced: str,
    needs: Sequence[Need],
) -> InstanceRecord:
    taken = {"locks": tuple(need.name for need in needs)} if needs else {}
    tx.instances.claim(
        instance.id,
        INSTANCE.move("SCHEDULED", "claim"),
        epoch=instance.epoch,
        at=now,
        who=DISPATCHER,
        why=f"forced past {forced}" if forced else "",
        session_id=session,
        **taken,
    )
    claimed = tx.instances.get(instance.id)
    if claimed is None:  # the claim has just succeeded in this transaction
        raise ChangedMeanwhile(f"instance {instance.id} is gone")
    if claimed.targets:  # each of them is started by itself
        return claimed
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


def skip_waiting(tx: Transaction, instance: InstanceRecord, now: datetime, reason: str) -> NotStarted:
    """It will not start: SKIPPED when it never began (I6), else CANCELLED."""
    event = "skip" if instance.attempt == 0 else "cancel"
    end_waiting(tx, instance, event, reason, who=DISPATCHER, now=now)
    return NotStarted(instance.id, instance.job, INSTANCE.move("SCHEDULED", event).after, reason)
