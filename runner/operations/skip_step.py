"""Leave one step of a run out, and let the run go on behind it (S3, S8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.access.permission import Actor, may
from runner.lifecycle.step import STEP
from runner.operations.acting_on_runs import ActedOnRun
from runner.operations.cancel import the_instance
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition, UnknownName

ACCEPTED = ("SCHEDULED", "PAUSED")
"""States in which no process goes through the steps."""


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
    """A step that waits or has failed, of a run that waits or is paused; twice is once.

    Its outputs are null. Refused for a step that is not declared `skippable: true`.
    """
    run = the_instance(tx, id)
    may(actor, "skip")
    steps = [step for step in tx.steps.of(run.id) if step.target == target]
    step = next((step for step in steps if step.name == name), None)
    spec: Mapping[str, Any] = tx.revisions.get(run.job_uid, run.digest) or {}
    declared = {str(s.get("name")): s for s in spec.get("steps") or ()}
    if step is None:
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
        return ActedOnRun(run.id, run.job, False, run.state)
    if run.state not in ACCEPTED:
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
    return ActedOnRun(run.id, run.job, True, run.state, (f"step {name} is skipped",))
