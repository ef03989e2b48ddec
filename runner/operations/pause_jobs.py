"""Pause jobs and resume them: starts wait, and what runs stops at its next step or checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.pausing import JOB, NotPausable
from runner.operations.asked_again import ask_again
from runner.operations.holding import Acted, acted, counted, owner_of, what_holds
from runner.operations.pausing import how_to_pause, pause_instance, resume_what_the_job_kept
from runner.operations.selection import installed
from runner.store.holds import HoldRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction

PAUSED = "paused"


def pause_jobs(
    tx: Transaction,
    names: Sequence[str],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    allow_protected: bool = False,
) -> tuple[Acted, ...]:
    """All of them, or none: hold `paused`, and nothing else (lifecycle.md, verbs of a job).

    What waits goes on waiting; the missed policy decides at the end of the pause about the slots that fell
    into it. What runs and cannot be paused finishes first.
    """
    records = [installed(tx, "Job", name) for name in names]
    for record in records:
        may(actor, "pause", what=record.name, protected=record.protected, allow_protected=allow_protected)
    return tuple(_pause(tx, record, actor, reason, now, until) for record in records)


def _pause(
    tx: Transaction, record: ObjectRecord, actor: Actor, reason: str, now: datetime, until: datetime | None
) -> Acted:
    hold = ask_again(tx, HoldRecord(record.uid, PAUSED, owner_of(actor), reason, now, until), now)
    changed = hold.changed and tx.holds.add(record.uid, hold.hold, who=str(actor), why=reason)
    asked, finishing, waiting = 0, 0, 0
    for instance in tx.instances.unfinished_of(record.uid):
        if instance.state == "SCHEDULED":
            waiting += 1
        elif instance.state == "RUNNING" and isinstance(how_to_pause(tx, instance), NotPausable):
            finishing += 1
        elif instance.state in ("RUNNING", "PAUSING", "PAUSED"):
            asked += pause_instance(tx, instance, JOB, who=str(actor), why=reason, now=now)
    notes = counted(
        (asked, "run pauses at its next step or checkpoint", "runs pause at their next step or checkpoint"),
        (finishing, "run finishes first", "runs finish first"),
        (waiting, "start waits until it is resumed", "starts wait until it is resumed"),
    )
    return acted(tx, record, now, changed=changed or bool(asked), notes=[*hold.notes, *notes])


def resume_jobs(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """All of them, or none: every hold `paused` ends; slots of that time were missed, if at all."""
    records = [installed(tx, "Job", name) for name in names]
    may(actor, "resume")
    return tuple(_resume(tx, record, str(actor), reason, now) for record in records)


def _resume(tx: Transaction, record: ObjectRecord, who: str, reason: str, now: datetime) -> Acted:
    changed = tx.holds.clear(record.uid, PAUSED, at=now, who=who, why=reason)
    gone_on = resume_what_the_job_kept(tx, record.uid, who=who, why=reason or "resumed", now=now)
    notes = counted((len(gone_on), "run goes on", "runs go on"))
    left = [what_holds(hold) for hold in tx.holds.of(record.uid) if hold.until is None or hold.until > now]
    return acted(tx, record, now, changed=changed or bool(gone_on), notes=[*notes, *left])
