"""Bounce runs: stop what runs and start it again with the same id (I35)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.holding import stop_running
from runner.operations.outcome import BOUNCE
from runner.store.port import Transaction
from runner.store.records import InstanceRecord

BOUNCED = "bounced"
ACCEPTED = INSTANCE.accepting("stop")


def bounce_instances(
    tx: Transaction, ids: Sequence[int], *, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """All of them, or none. What has been bounced and has not started again yet stays as it is."""
    return act_on_runs(
        tx,
        ids,
        "bounce",
        actor=actor,
        reason=reason,
        now=now,
        accepted=ACCEPTED,
        act=bounce_run,
        is_done=is_bounced,
    )


def bounce_run(asking: Asking, run: InstanceRecord) -> bool:
    """Ask for its end; it comes back from its first step that is not completed."""
    stop_running(asking.tx, run, BOUNCE, who=asking.who, why=asking.reason, now=asking.now)
    return True


def is_bounced(run: InstanceRecord) -> bool:
    """Whether it is on its way out or back in."""
    return (run.state, run.reason) in (("STOPPING", BOUNCE), ("SCHEDULED", BOUNCED))
