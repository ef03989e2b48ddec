"""Resolve runs that are UNKNOWN: somebody has looked, and says that nothing of them runs any more (I46)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.end_runs import end_waiting
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import Refused

EVENT = "resolve_cancelled"


def resolve_instances(
    tx: Transaction,
    ids: Sequence[int],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    nothing_runs: bool,
) -> tuple[ActedOnRun, ...]:
    """All of them, or none: CANCELLED, and whatever still runs of them is refused from now on (epoch + 1).

    Refused unless it is said that `nothing_runs`: nobody else can know.
    """
    if not nothing_runs:
        raise Refused(
            "resolve needs --nothing-runs: look first whether a process of it is still there, because the "
            "next start does not wait for it"
        )

    def act(asking: Asking, run: InstanceRecord) -> bool:
        end_waiting(tx, run, EVENT, "resolved", who=asking.who, now=now, why=asking.reason, raise_epoch=True)
        return True

    return act_on_runs(
        tx,
        ids,
        "resolve",
        actor=actor,
        reason=reason,
        now=now,
        accepted=INSTANCE.accepting(EVENT),
        act=act,
        is_done=lambda run: run.state == "CANCELLED",
    )
