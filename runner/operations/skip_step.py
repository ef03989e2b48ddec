"""Leave one step of a run out, and let the run go on behind it (S3, S8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.access.permission import Actor, may
from runner.lifecycle.step import STEP
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.cancel import the_instance
from runner.operations.show_targets import the_target
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import IllegalTransition, UnknownName

NO_TARGET = "-"
ACCEPTED = ("SCHEDULED", "PAUSED")
"""States of a run in which no process goes through its steps."""

OF_TARGET = ("SCHEDULED", "RESCHEDULED")
"""States of a target in which none does, whatever its run does meanwhile."""


def skip_step(
    tx: Transaction,
    id: int,
    name: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    target: str = "-",
) -> ActedOnRun:
    """A step that waits or has failed, of a run that waits or is paused, or of a target that waits for its
    next try; twice is once.

    Its outputs are null. Refused for a step that is not declared `skippable: true`.
    """
    run = the_instance(tx, id)
    may(actor, "skip")
    task = _target(tx, run, target) if run.targets else None
    steps = [step for step in tx.steps.of(run.id) if step.target == target]
    step = next((step for step in steps if step.name == name), None)
    spec: Mapping[str, Any] = tx.revisions.get(run.job_uid, run.digest) or {}
    declared = {str(s.get("name")): s for s in spec.get("steps") or ()}
    if step is None:
        if name in declared and task is not None and not steps:
            raise IllegalTransition(
                f"target {target} of instance {run.id} is {task.state} and has not begun; skip-step is "
                f"accepted once it has, in RESCHEDULED, or while its run is {' or '.join(ACCEPTED)}"
            )
        if name in declared and run.epoch == 0:
            raise IllegalTransition(
                f"instance {run.id} of {run.job} has not begun; skip-step is accepted once it has, "
                "and rerun --from-step begins at a later step"
            )
        raise UnknownName(
            f"instance {run.id} of {run.job} has no step '{name[:100]}'; it has: "
            f"{', '.join(step.name for step in steps) or 'none yet'}"
        )
    if step.state == "SKIPPED":
        return ActedOnRun(run.id, run.job, False, run.state, target=task)
    if task is not None:
        if task.state not in OF_TARGET:
            raise IllegalTransition(
                f"target {target} of instance {run.id} is {task.state}; skip-step of a target is accepted in "
                f"{', '.join(OF_TARGET)}: while it waits for its next try, or its run is paused"
            )
    elif run.state not in ACCEPTED:
        raise IllegalTransition(
            f"instance {run.id} of {run.job} is {run.state}; skip-step is accepted in "
            f"{', '.join(ACCEPTED)} (runner instances pause {run.id})"
        )
    if not declared.get(name, {}).get("skippable"):
        raise IllegalTransition(
            f"step {name} of {run.job} is not declared `skippable: true`; skip-step is accepted for: "
            f"{', '.join(n for n, s in declared.items() if s.get('skippable')) or 'no step of this job'}"
        )
    move = STEP.move(step.state, "operator_skip")
    tx.steps.move(run.id, target, name, move, epoch=run.epoch, at=now, who=str(actor), why=reason)
    of = f" of target {target}" if task is not None else ""
    again = f"; runner instances bounce {run.id} --target {target} tries it now" if task is not None else ""
    return ActedOnRun(run.id, run.job, True, run.state, (f"step {name}{of} is skipped{again}",), task)


def _target(tx: Transaction, run: InstanceRecord, target: str) -> TaskRecord:
    if target == NO_TARGET:
        raise UnknownName(
            f"instance {run.id} of {run.job} has {run.targets} targets, each with its own steps; name one: "
            f"--target T, as `runner instances show {run.id}` lists them"
        )
    return the_target(tx, run, target)
