"""End one run: at once what has no process, and by asking the daemon what has one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import step_event, task_event
from runner.operations.open_targets import count_targets
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

STOP_PATIENCE = timedelta(seconds=30)
"""From the request to stop until a process that is still there makes its instance UNKNOWN (I40): more than
TERM, its grace and KILL take."""


def end_waiting(
    tx: Transaction,
    instance: InstanceRecord,
    event: str,
    reason: str,
    *,
    who: str,
    now: datetime,
    why: str = "",
    keep_state: bool = False,
    **changes: Any,
) -> None:
    """End an instance that has no process (skip I6, cancel I9 and I29), with its open tasks and steps.

    What one had saved that is cancelled while it is paused goes with it, unless `keep_state`.
    """
    for task in tx.tasks.of(instance.id):
        follows = task_event(event, task.state)
        if follows is not None:
            tx.tasks.move(
                instance.id,
                task.target,
                TASK.move(task.state, follows),
                epoch=instance.epoch,
                at=now,
                who=who,
                reason=reason,
            )
    if instance.targets:
        count_targets(tx, instance)
    for step in tx.steps.of(instance.id):
        follows = step_event(event, step.state)
        if follows is not None:
            move = STEP.move(step.state, follows)
            tx.steps.move(
                instance.id, step.target, step.name, move, epoch=instance.epoch, at=now, who=who, why=reason
            )
    _move(tx, instance, event, who=who, now=now, why=why or reason, reason=reason, **changes)
    if (event, instance.state) == ("cancel", "PAUSED") and not keep_state:
        tx.state.clear(instance.job_uid, instance_id=instance.id, at=now, who=who, why=why or reason)


def stop_running(
    tx: Transaction,
    instance: InstanceRecord,
    intent: str,
    *,
    who: str,
    why: str,
    now: datetime,
    keep_state: bool = False,
) -> None:
    """Ask for the end of an instance that has a process (I19, I26); the daemon carries it out.

    With one that was pausing goes what it has saved, unless `keep_state`: the pauses that it keeps say so.
    """
    until = now + STOP_PATIENCE
    forgotten: dict[str, Any] = {"pauses": ()} if keep_state else {}
    _move(
        tx, instance, "stop", who=who, now=now, why=why or intent, reason=intent, forced_at=until, **forgotten
    )


def redirect_stop(
    tx: Transaction,
    instance: InstanceRecord,
    intent: str,
    *,
    who: str,
    why: str,
    now: datetime,
    keep_state: bool = False,
) -> None:
    """Let the stop that is under way mean something else: no move, so it is an event without a row."""
    subject, said = str(instance.id), f"{instance.reason} becomes {intent}"
    tx.events.append("instance", subject, f"stop.{intent}", at=now, who=who, why=why or said)
    changes: dict[str, Any] = {"pauses": ()} if keep_state else {}
    tx.instances.update(
        instance.id, epoch=instance.epoch, reason=intent, forced_at=now + STOP_PATIENCE, **changes
    )


def _move(
    tx: Transaction,
    instance: InstanceRecord,
    event: str,
    *,
    who: str,
    now: datetime,
    why: str,
    **changes: Any,
) -> None:
    move = INSTANCE.move(instance.state, event)
    tx.instances.move(instance.id, move, epoch=instance.epoch, at=now, who=who, why=why, **changes)
