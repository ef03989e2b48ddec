"""Bounce one target of runs: what waits for its next try, or for the end of a sleep, is tried now (T6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.show_targets import the_target
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.tasks import TaskRecord
from runner.vocabulary.instants import to_the_second

ACCEPTED = tuple(dict.fromkeys(m.before for m in INSTANCE.moves if m.before != INSTANCE.initial))
WAITS = "RESCHEDULED"


def bounce_targets(
    tx: Transaction, ids: Sequence[int], *, target: str, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """That target of all these runs, or of none. UnknownName when one has no such target.

    What is due already stays as it is. The daemon tries it as soon as its run has a place for it.
    """

    def act(asking: Asking, run: InstanceRecord) -> bool:
        task = the_target(asking.tx, run, target)
        if task.next_try_at is None or task.next_try_at <= now:
            return False
        subject = f"{run.id}/{target}"
        why = asking.reason or f"tried now, not at {to_the_second(task.next_try_at)}"
        asking.tx.events.append("task", subject, "bounce", at=now, who=asking.who, why=why)
        asking.tx.tasks.update(run.id, target, epoch=run.epoch, next_try_at=now)
        asking.tx.state.wake(run.id, target)
        return True

    return act_on_runs(
        tx,
        ids,
        "bounce",
        actor=actor,
        reason=reason,
        now=now,
        accepted=ACCEPTED,
        target=target,
        act=act,
        refusal=lambda tx, run: _refusal(the_target(tx, run, target)),
        notes=lambda run: _notes(the_target(tx, run, target), run),
    )


def _refusal(task: TaskRecord) -> str | None:
    if task.state == WAITS:
        return None
    then = (
        f"; runner instances rerun {task.instance_id} --failed-only runs it again once the run has ended"
        if task.state in TASK.terminal and task.state != "SUCCEEDED"
        else ""
    )
    return (
        f"target {task.target} of instance {task.instance_id} is {task.state}; "
        f"bounce of a target is accepted in {WAITS}{then}"
    )


def _notes(task: TaskRecord, run: InstanceRecord) -> tuple[str, ...]:
    if task.state != WAITS:
        return ()
    if run.state in ("PAUSED", "PAUSING", "SCHEDULED"):
        return (f"target {task.target} is tried as soon as its run goes on",)
    return (f"target {task.target} is tried now",)
