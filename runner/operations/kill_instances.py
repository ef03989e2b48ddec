"""Kill runs: as cancel, but at once, whatever they are doing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import CANCELLABLE, INSTANCE
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.end_runs import end_waiting, redirect_stop, stop_running
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

KILL = "kill"
"""The intent of a STOPPING instance that gets no grace, not even for a step that is not interruptible."""


def kill_instances(
    tx: Transaction, ids: Sequence[int], *, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """All of them, or none. One that is being stopped with a grace loses it."""
    return act_on_runs(
        tx,
        ids,
        "kill",
        actor=actor,
        reason=reason,
        now=now,
        accepted=(*CANCELLABLE, "STOPPING"),
        act=kill_run,
        is_done=lambda run: run.state == "CANCELLED" or (run.state == "STOPPING" and run.reason == KILL),
    )


def kill_run(asking: Asking, run: InstanceRecord) -> bool:
    """End it without a grace."""
    if run.state == "STOPPING":
        redirect_stop(asking.tx, run, KILL, who=asking.who, why=asking.reason, now=asking.now)
    elif INSTANCE.accepts(run.state, "cancel"):
        end_waiting(asking.tx, run, "cancel", KILL, who=asking.who, now=asking.now, why=asking.reason)
    else:
        stop_running(asking.tx, run, KILL, who=asking.who, why=asking.reason, now=asking.now)
    return True
