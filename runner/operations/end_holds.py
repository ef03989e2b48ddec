"""End the holds whose time is over: an `until` is kept by the daemon, not by a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from runner.operations.job_moves import RELEASES, note_job_move, status_of
from runner.operations.pausing import resume_what_the_job_kept
from runner.store.holds import HoldRecord
from runner.store.port import Transaction

CLOCK = "system:clock"
OVER = "its time is over"
AN_INSTANT = timedelta(milliseconds=1)


def end_holds(tx: Transaction, now: datetime) -> int:
    """Clear every hold with `until` at or before `now`; returns how many."""
    return sum(end_holds_of(tx, uid, holds, now) for uid, holds in tx.holds.all().items())


def end_holds_of(tx: Transaction, uid: str, holds: Iterable[HoldRecord], now: datetime) -> int:
    """As `end_holds`, for one object whose holds these are.

    Time under a hold is never missed (lifecycle.md, principle 1), so the job's schedules go on from the
    moment at which it ended; what fell due after it, while no daemon ran, was missed. A pause is the
    exception: its slots are left to the missed policy.
    """
    over = [(hold, hold.until) for hold in holds if hold.until is not None and hold.until <= now]
    record = tx.objects.by_uid(uid) if over else None
    before = status_of(tx, uid, min(until for _, until in over) - AN_INSTANT) if over else None
    for hold, _ in over:
        tx.holds.clear(uid, hold.kind, hold.owner, at=now, who=CLOCK, why=OVER)
    if record is not None and before is not None and record.kind == "Job":
        note_job_move(tx, record, before, RELEASES, who=CLOCK, why=OVER, now=now)
    free_since = max((until for hold, until in over if hold.kind != "paused"), default=None)
    if free_since is not None:
        for (job_uid, schedule), watermark in tx.slots.watermarks().items():
            if job_uid == uid and watermark.at < free_since:
                tx.slots.set_watermark(uid, schedule, free_since)
    if over:
        resume_what_the_job_kept(tx, uid, who=CLOCK, why=OVER, now=now)
    return len(over)
