"""What the end of a run means for those of its targets that have not ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.dispatch.tasks import CRASH_BUDGET, FanOutRules, Result, decide_result
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.tasks import TaskRecord

INTERRUPTED = "interrupted"
CRASH = "crash"
_OPEN = ("SCHEDULED", "RESCHEDULED")

_WAITING = {"fail": "cancel", "cancel": "cancel", "expire": "expire"}
"""Event of the run's only task, if it had one → that of a target that waits. Others leave it waiting."""


def move_open_targets(
    tx: Transaction,
    instance: InstanceRecord,
    spec: Mapping[str, Any],
    event: str,
    reason: str,
    *,
    now: datetime,
    who: str,
) -> None:
    """Move every target that is open as `event` means it: fail, cancel, expire, or interrupt.

    What runs has no process any more. After a crash it goes on, or has failed when the job says
    `onCrash: fail`.
    """
    for task in tx.tasks.page(instance.id, ("RUNNING",)):
        _end_of_running(tx, instance, spec, task, event, reason, now=now, who=who)
    if event in _WAITING:
        moves = {state: TASK.move(state, _WAITING[event]) for state in _OPEN}
        tx.tasks.move_all(
            instance.id,
            moves,
            epoch=instance.epoch,
            at=now,
            who=who,
            why=reason,
            reason=reason,
            completed_at=now,
        )
    count_targets(tx, instance)


def count_targets(tx: Transaction, instance: InstanceRecord) -> dict[str, int]:
    """Write down how many targets have ended, and how many of them failed; all of them by their state.

    When all have, nothing that was asked of one is to be done any more.
    """
    counts = tx.tasks.counts(instance.id)
    ended = sum(number for state, number in counts.items() if state in TASK.terminal)
    if ended == instance.targets:
        tx.target_requests.done(instance.id)
    tx.instances.update(
        instance.id,
        epoch=instance.epoch,
        targets_ended=ended,
        targets_failed=counts.get("FAILED", 0),
        progress=ended / instance.targets if instance.targets else None,
    )
    return counts


def result_of(tx: Transaction, instance: InstanceRecord, spec: Mapping[str, Any]) -> Result:
    """What the targets that have succeeded so far make of the run (minSuccess)."""
    tasks = spec.get("tasks")
    succeeded = tx.tasks.counts(instance.id).get("SUCCEEDED", 0)
    if not tasks:  # the definition cannot be found any more
        return "succeeded" if succeeded == instance.targets else "failed"
    return decide_result(FanOutRules.from_resolved(tasks), total=instance.targets, succeeded=succeeded)


def reopen_steps(tx: Transaction, instance: InstanceRecord, target: str, *, now: datetime, who: str) -> None:
    """Steps of the target that had begun or failed wait for its next try (S6, S7)."""
    for step in tx.steps.of(instance.id, target):
        event = {"STARTED": "interrupt", "FAILED": "reopen"}.get(step.state)
        if event:
            move = STEP.move(step.state, event)
            tx.steps.move(instance.id, target, step.name, move, epoch=instance.epoch, at=now, who=who)


def end_open_steps(
    tx: Transaction,
    instance: InstanceRecord,
    target: str,
    error: Mapping[str, Any] | None,
    *,
    now: datetime,
    who: str,
) -> None:
    """Steps of the target that had begun have failed with it; without an error they were interrupted."""
    for step in tx.steps.of(instance.id, target):
        if step.state == "STARTED":
            move = STEP.move("STARTED", "interrupt" if error is None else "fail")
            tx.steps.move(
                instance.id, target, step.name, move, epoch=instance.epoch, at=now, who=who, error=error
            )


def _end_of_running(
    tx: Transaction,
    instance: InstanceRecord,
    spec: Mapping[str, Any],
    task: TaskRecord,
    event: str,
    reason: str,
    *,
    now: datetime,
    who: str,
) -> None:
    changes: dict[str, Any] = {"reason": reason, "completed_at": now}
    if event in ("interrupt", "reschedule"):
        if reason == CRASH and spec.get("onCrash") == "fail":
            event = "fail"
        else:
            event, crashes = "interrupt", task.crashes + (reason == CRASH)
            at = now
            if crashes > CRASH_BUDGET and spec.get("tasks"):
                at = now + FanOutRules.from_resolved(spec["tasks"]).retry_every
            changes = {"reason": INTERRUPTED, "next_try_at": at, "crashes": crashes}
    if event == "interrupt":
        reopen_steps(tx, instance, task.target, now=now, who=who)
    else:
        event = "cancel" if event == "cancel" else "fail"
        error = {"code": reason, "description": f"it ended with its run: {reason}"}
        end_open_steps(tx, instance, task.target, None if event == "cancel" else error, now=now, who=who)
        if event == "fail":
            changes["error"] = error
    move = TASK.move("RUNNING", event)
    tx.tasks.move(
        instance.id, task.target, move, epoch=instance.epoch, at=now, who=who, why=reason, **changes
    )
