"""End one target of runs, and let the others go on (T10, T11, T12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.task import TASK
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.cancel import INTENT
from runner.operations.kill_instances import KILL
from runner.operations.run_target import cancel_target
from runner.operations.show_targets import the_target
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.tasks import TaskRecord

OF_RUNS = tuple(dict.fromkeys(m.before for m in INSTANCE.moves if m.before != INSTANCE.initial))
ACCEPTED = TASK.accepting("cancel")
AT_REST = ("SCHEDULED", "PAUSED")
"""States of a run of which no daemon knows anything that is not written down."""


def cancel_targets(
    tx: Transaction,
    ids: Sequence[int],
    *,
    target: str,
    actor: Actor,
    reason: str,
    now: datetime,
    at_once: bool = False,
) -> tuple[ActedOnRun, ...]:
    """That target of all these runs, or of none; UnknownName when one has no such target.

    What waits never starts (again); what runs is asked to end, and killed after 10 s, or `at_once`. Of a run
    that is under way its daemon does it. A target that succeeds before it could be ended has succeeded.
    """
    verb = KILL if at_once else INTENT

    def act(asking: Asking, run: InstanceRecord) -> bool:
        if run.state in AT_REST:
            return cancel_target(tx, run, target, verb, who=asking.who, why=asking.reason, now=now)
        tx.target_requests.add(run.id, target, verb, who=asking.who, why=asking.reason, at=now)
        tx.tasks.update(run.id, target, epoch=run.epoch, reason=verb)
        return True

    def is_done(run: InstanceRecord) -> bool:
        if the_target(tx, run, target).state == "CANCELLED":
            return True
        asked = {request.verb for request in tx.target_requests.of(run.id) if request.target == target}
        return verb in asked or KILL in asked

    return act_on_runs(
        tx,
        ids,
        verb,
        actor=actor,
        reason=reason,
        now=now,
        accepted=OF_RUNS,
        target=target,
        act=act,
        is_done=is_done,
        refusal=lambda tx, run: _refusal(the_target(tx, run, target), verb),
        notes=lambda run: _notes(the_target(tx, run, target)),
    )


def _refusal(task: TaskRecord, verb: str) -> str | None:
    if task.state in ACCEPTED:
        return None
    return (
        f"target {task.target} of instance {task.instance_id} is {task.state}; "
        f"{verb} of a target is accepted in {', '.join(ACCEPTED)}"
    )


def _notes(task: TaskRecord) -> tuple[str, ...]:
    if task.state == "CANCELLED":
        return (f"target {task.target} is CANCELLED",)
    return (f"target {task.target} is {task.state}, and is being ended",)
