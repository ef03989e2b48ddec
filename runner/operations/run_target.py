"""Freeze the targets of a run, start one of them, and record how its try ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from runner.dispatch.tasks import Again, Cancelled, EndOfTry, Lost, Succeeded
from runner.execution.order import Ended
from runner.lifecycle.task import TASK
from runner.operations.metrics import with_attempt
from runner.operations.open_targets import end_open_steps, reopen_steps
from runner.operations.targets_of import Target
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.steps import NewStep
from runner.store.target_requests import TargetRequest
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import ChangedMeanwhile

DISPATCHER = "system:dispatcher"
SUPERVISOR = "system:supervisor"
WAITING = ("SCHEDULED", "RESCHEDULED")


def freeze_targets(
    tx: Transaction, instance: InstanceRecord, targets: Sequence[Target], inventory: str, now: datetime
) -> None:
    """The run keeps these targets, whatever becomes of the inventory (T1); ChangedMeanwhile if it ended."""
    _same(tx, instance)
    create = TASK.move("NEW", "create")
    tx.tasks.freeze(instance.id, targets, create, at=now, who=DISPATCHER, inventory=inventory)
    tx.instances.update(
        instance.id,
        epoch=instance.epoch,
        targets=len(targets),
        targets_ended=0,
        targets_failed=0,
        progress=0.0,
    )


def start_target(
    tx: Transaction,
    instance: InstanceRecord,
    target: str,
    steps: Sequence[NewStep],
    *,
    before: str,
    expires_at: datetime,
    now: datetime,
) -> TaskRecord:
    """T2 or T6; the task as it is now. `expires_at` is written at its first start.

    TargetAtWork, and nothing is changed, while another run works on the same target of the inventory.
    """
    first: dict[str, Any] = {"expires_at": expires_at} if before == "SCHEDULED" else {}
    tx.tasks.move(
        instance.id,
        target,
        TASK.move(before, "start"),
        epoch=instance.epoch,
        at=now,
        who=DISPATCHER,
        reason="",
        pid=None,  # of an earlier try
        **first,
    )
    if before == "SCHEDULED":
        tx.steps.create_all(instance.id, target, steps)
    task = tx.tasks.get(instance.id, target)
    if task is None:  # it has just been moved in this transaction
        raise ChangedMeanwhile(f"target {target} of run {instance.id} is gone")
    return task


def finish_target(
    tx: Transaction,
    instance: InstanceRecord,
    target: str,
    end: EndOfTry,
    error: Mapping[str, Any] | None,
    *,
    failures: int,
    crashes: int,
    now: datetime,
    ended: Ended | None = None,
    asked: TargetRequest | None = None,
) -> None:
    """T3, T4, T5, T7 or T12, with its steps. `failures` and `crashes` are those of the target from now on;
    `ended` is the end of its process, if it had one, `asked` says who asked for its end, if somebody did.

    RunnerError (ChangedMeanwhile) when the target, or the epoch of its run, is not what was expected.
    """
    move, reason = _move(end)
    changes: dict[str, Any] = {"reason": reason, "failures": failures, "crashes": crashes, "error": error}
    before = None if ended is None else tx.tasks.get(instance.id, target)
    if ended is not None and before is not None:
        changes["metrics"] = with_attempt(before.metrics, ended, before.last_triggered_at, now)
    if isinstance(end, Again):
        changes["next_try_at"] = end.at
        reopen_steps(tx, instance, target, now=now, who=SUPERVISOR)
    else:
        changes["completed_at"] = now
        if not isinstance(end, Succeeded) or error is not None:
            end_open_steps(tx, instance, target, error, now=now, who=SUPERVISOR)
    who, why = SUPERVISOR, str((error or {}).get("description", ""))
    if isinstance(end, Cancelled) and asked is not None:
        who, why = asked.who, asked.why
    tx.tasks.move(
        instance.id,
        target,
        TASK.move("RUNNING", move),
        epoch=instance.epoch,
        at=now,
        who=who,
        why=why,
        **changes,
    )
    if asked is not None:
        tx.target_requests.done(instance.id, target)
    if not isinstance(end, Again):
        tx.tasks.count_end(instance.id, epoch=instance.epoch, failed=isinstance(end, Lost))


def expire_target(tx: Transaction, instance: InstanceRecord, target: str, *, now: datetime) -> None:
    """T9: its time was over before its next try; the error of the last one stays."""
    tx.tasks.move(
        instance.id,
        target,
        TASK.move("RESCHEDULED", "expire"),
        epoch=instance.epoch,
        at=now,
        who=DISPATCHER,
        why="its time was over before its next try",
        reason="expired",
        completed_at=now,
    )
    tx.tasks.count_end(instance.id, epoch=instance.epoch, failed=True)


def cancel_target(
    tx: Transaction, instance: InstanceRecord, target: str, verb: str, *, who: str, why: str, now: datetime
) -> bool:
    """T10 or T11: it never starts (again). False when it has ended or runs; what was asked of it is done."""
    tx.target_requests.done(instance.id, target)
    task = tx.tasks.get(instance.id, target)
    if task is None or task.state not in WAITING:
        return False
    move = TASK.move(task.state, "cancel")
    tx.tasks.move(
        instance.id, target, move, epoch=instance.epoch, at=now, who=who, why=why, reason=verb,
        completed_at=now,
    )  # fmt: skip
    tx.tasks.count_end(instance.id, epoch=instance.epoch, failed=False)
    return True


def _move(end: EndOfTry) -> tuple[str, str]:
    match end:
        case Succeeded():
            return "succeed", ""
        case Again(reason="interrupted"):
            return "interrupt", "interrupted"
        case Again():
            return "reschedule", "retry"
        case Lost(reason=reason):
            return "fail", reason
        case Cancelled(reason=reason):
            return "cancel", reason


def _same(tx: Transaction, instance: InstanceRecord) -> None:
    now = tx.instances.get(instance.id)
    if now is None or now.epoch != instance.epoch or now.completed_at is not None:
        raise ChangedMeanwhile(f"run {instance.id} of {instance.job} ended meanwhile; nothing was changed")
