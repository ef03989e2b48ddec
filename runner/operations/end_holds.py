"""End the holds whose time is over: an `until` is kept by the daemon, not by a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runner.operations.pausing import resume_what_the_job_kept
from runner.store.port import Transaction
from runner.store.records import HoldRecord

CLOCK = "system:clock"


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
    for hold, _ in over:
        tx.holds.clear(uid, hold.kind, hold.owner, at=now, who=CLOCK, why="its time is over")
    free_since = max((until for hold, until in over if hold.kind != "paused"), default=None)
    if free_since is not None:
        for (job_uid, schedule), watermark in tx.slots.watermarks().items():
            if job_uid == uid and watermark.at < free_since:
                tx.slots.set_watermark(uid, schedule, free_since)
    if over:
        resume_what_the_job_kept(tx, uid, who=CLOCK, why="the time of a hold is over", now=now)
    return len(over)
