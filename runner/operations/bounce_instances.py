"""Bounce runs: stop what runs and start it again with the same id (I35); what waits for its next attempt, or
sleeps, is due now (I4).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.instance import INSTANCE
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.end_runs import stop_running
from runner.operations.outcome import BOUNCE
from runner.operations.waiting import ANY_PLACE, waits_for
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.instants import to_the_second

BOUNCED = "bounced"
ACCEPTED = (*INSTANCE.accepting("stop"), "SCHEDULED")


def bounce_instances(
    tx: Transaction, ids: Sequence[int], *, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """All of them, or none. What has been bounced, or is due, and has not started again yet stays as it is.

    Refused for a start that has not begun: it is no retry that could come earlier.
    """
    return act_on_runs(
        tx,
        ids,
        "bounce",
        actor=actor,
        reason=reason,
        now=now,
        accepted=ACCEPTED,
        act=bounce_run,
        is_done=lambda run: is_bounced(run) or (is_between_attempts(run) and run.due_at <= now),
        refusal=_refusal,
        notes=lambda run: _notes(tx, run, now),
    )


def bounce_run(asking: Asking, run: InstanceRecord) -> bool:
    """It comes back from its first step that is not completed: what runs is ended first, else it is due."""
    if run.state == "SCHEDULED":
        _due_now(asking, run)
    else:
        stop_running(asking.tx, run, BOUNCE, who=asking.who, why=asking.reason, now=asking.now)
    return True


def is_bounced(run: InstanceRecord) -> bool:
    """Whether it is on its way out or back in."""
    return (run.state, run.reason) in (("STOPPING", BOUNCE), ("SCHEDULED", BOUNCED))


def is_between_attempts(run: InstanceRecord) -> bool:
    """Whether it has begun and waits: for its retry, for the end of a sleep, for a place."""
    return run.state == "SCHEDULED" and run.epoch > 0


def _due_now(asking: Asking, run: InstanceRecord) -> None:
    """No move, so it is an event without a row. A sleep is over: what dies now has not died asleep."""
    tx, now = asking.tx, asking.now
    why = asking.reason or f"due now, not {to_the_second(run.due_at)}"
    tx.events.append("instance", str(run.id), "bounce", at=now, who=asking.who, why=why)
    tx.instances.update(run.id, epoch=run.epoch, due_at=now)
    tx.state.wake(run.id)
    if not run.targets:  # each target has a time of its own
        tx.tasks.update(run.id, "-", epoch=run.epoch, next_try_at=now)


def _refusal(_tx: Transaction, run: InstanceRecord) -> str | None:
    if run.state != "SCHEDULED" or run.epoch > 0:
        return None
    return (
        f"instance {run.id} of {run.job} has not begun, and is due at {to_the_second(run.due_at)}; bounce is "
        f"accepted for what runs or waits for its next attempt, and runner jobs trigger {run.job} starts "
        "another now"
    )


def _notes(tx: Transaction, run: InstanceRecord, now: datetime) -> tuple[str, ...]:
    waits = waits_for(tx, run, now) if is_between_attempts(run) else None
    return () if waits is None or waits.text == ANY_PLACE else (f"it is due, and waits for {waits.text}",)
