"""Let paused runs go on, with the same id, from their last completed step or checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor
from runner.lifecycle.holds import active, family
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.pausing import EVICTION, KEEPS_PAUSED, OPERATOR, WINDOW
from runner.operations.acting_on_runs import ActedOnRun, Asking, act_on_runs
from runner.operations.pausing import resume_instance
from runner.operations.waiting import waits_for
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.instants import to_the_second

ACCEPTED = (*INSTANCE.accepting("resume"),)
LIFTED = (OPERATOR, EVICTION)


def resume_instances(
    tx: Transaction, ids: Sequence[int], *, actor: Actor, reason: str, now: datetime
) -> tuple[ActedOnRun, ...]:
    """All of them, or none. Refused while the job itself is paused or held: that is lifted at the job."""

    def act(asking: Asking, run: InstanceRecord) -> bool:
        return resume_instance(tx, run, LIFTED, who=asking.who, why=asking.reason, now=asking.now)

    return act_on_runs(
        tx,
        ids,
        "resume",
        actor=actor,
        reason=reason,
        now=now,
        accepted=ACCEPTED,
        act=act,
        is_done=lambda run: run.state in ("SCHEDULED", "RUNNING"),
        refusal=lambda tx, run: _refusal(tx, run, now),
        notes=lambda run: _notes(run, now),
    )


def _notes(run: InstanceRecord, now: datetime) -> tuple[str, ...]:
    """What goes on only later, and how it would now."""
    if run.state != "SCHEDULED" or run.epoch == 0 or run.due_at <= now:
        return ()
    return (
        f"it waits ({run.reason}) until {to_the_second(run.due_at)}; now: runner instances bounce {run.id}",
    )


def _refusal(tx: Transaction, run: InstanceRecord, now: datetime) -> str | None:
    held = active(tx.holds.of(run.job_uid), now)
    start = f"instance {run.id} of {run.job} is {run.state}"
    if any(hold.kind == "paused" for hold in held):
        return f"{start} with its job; runner jobs resume {run.job}"
    blocking = next((hold for hold in held if family(hold.kind) in KEEPS_PAUSED), None)
    if blocking is not None:
        return (
            f"{start}, and its job has hold {blocking.kind} of {blocking.owner}; "
            "resume is accepted when no hold disables the job"
        )
    if set(run.pauses) == {WINDOW}:
        waits = waits_for(tx, run, now)
        until = f" and waits for {waits.text}" if waits is not None else ""
        return f"{start}{until}; resume is accepted when somebody has paused it"
    return None
