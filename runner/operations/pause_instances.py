"""Pause runs: one that waits at once, one that runs at its next step or checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.pausing import OPERATOR, NotPausable
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.pausing import how_to_pause, pause_instance
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

ACCEPTED = (*INSTANCE.accepting("pause"), "PAUSING", "PAUSED")


def pause_instances(
    tx: Transaction,
    ids: Sequence[int],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    grace: timedelta | None = None,
) -> tuple[ActedOnRun, ...]:
    """All of them, or none. Refused for one whose last step is under way and may not be begun anew.

    After the `grace` (1 minute, when it may be begun anew) what has not obeyed is stopped, to go on later
    from its last completed step or checkpoint; work that may not be interrupted runs on instead.
    """

    def act(asking: Asking, run: InstanceRecord) -> bool:
        return pause_instance(
            tx, run, OPERATOR, who=asking.who, why=asking.reason, now=asking.now, grace=grace
        )

    return act_on_runs(
        tx,
        ids,
        "pause",
        actor=actor,
        reason=reason,
        now=now,
        accepted=ACCEPTED,
        act=act,
        is_done=lambda run: OPERATOR in run.pauses,
        refusal=_refusal,
    )


def _refusal(tx: Transaction, run: InstanceRecord) -> str | None:
    if run.state != "RUNNING":
        return None
    how = how_to_pause(tx, run)
    if not isinstance(how, NotPausable):
        return None
    return (
        f"instance {run.id} of {run.job} is RUNNING, and {how.why}; pause is accepted while a step is still "
        "to come, cancel and kill in any state that is not final"
    )
