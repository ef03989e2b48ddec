"""Reset jobs that have failed: FAILED becomes ASLEEP, and they start again from now (J9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.job import ASLEEP, JOB
from runner.operations.holding import Acted, acted, release_job
from runner.operations.job_moves import has_failed, status_of
from runner.operations.selection import installed
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition


def reset_jobs(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """All of them, or none. A job that is ASLEEP already has nothing to reset, and that is no mistake."""
    records = [installed(tx, "Job", name) for name in names]
    may(actor, "reset")
    statuses = {record.uid: status_of(tx, record.uid, now).status for record in records}
    refusals = [
        f"Job/{record.name} is {statuses[record.uid]}"
        for record in records
        if statuses[record.uid] != ASLEEP
        and not JOB.accepts(statuses[record.uid], "reset")
        and not has_failed(tx, record.uid, now)
    ]
    if refusals:
        accepted = ", ".join(JOB.accepting("reset"))
        raise IllegalTransition(f"{'; '.join(refusals)}; reset is accepted in {accepted}")
    return tuple(reset_job(tx, record, str(actor), reason, now) for record in records)


def reset_job(tx: Transaction, record: ObjectRecord, who: str, reason: str, now: datetime) -> Acted:
    """End hold `failure` of one job; its failures so far count no more, and its schedules go on from now."""
    failed = [hold for hold in tx.holds.of(record.uid) if hold.kind == "failure"]
    if not failed:
        return acted(tx, record, now, changed=False)
    result = release_job(tx, record, failed, who=who, reason=reason, now=now)
    move = JOB.move("FAILED", "reset")
    tx.events.append(
        "Job",
        record.name,
        "reset",
        at=now,
        who=who,
        why=reason,
        row=move.row,
        before=move.before,
        after=result.status,
    )
    return result
