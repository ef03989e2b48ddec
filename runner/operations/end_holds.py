"""End the holds whose time is over: an `until` is kept by the daemon, not by a person."""

from __future__ import annotations

from datetime import datetime

from runner.store.port import Transaction

CLOCK = "system:clock"


def end_holds(tx: Transaction, now: datetime) -> int:
    """Clear every hold with `until` at or before `now`; returns how many.

    Time under a hold is never missed (lifecycle.md, principle 1), so the job's schedules go on from now. A
    pause is the exception: its missed slots are left to the missed policy.
    """
    ended = 0
    watermarks = tx.slots.watermarks()
    for uid, holds in tx.holds.all().items():
        over = [hold for hold in holds if hold.until is not None and hold.until <= now]
        for hold in over:
            ended += tx.holds.clear(uid, hold.kind, hold.owner, at=now, who=CLOCK, why="its time is over")
        if any(hold.kind != "paused" for hold in over):
            for job_uid, schedule in watermarks:
                if job_uid == uid:
                    tx.slots.set_watermark(uid, schedule, now)
    return ended
