"""End jobs whose end date has passed (J7): hold `expired`, and what `onExpiry` says for what they run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runner.lifecycle.instance import INSTANCE
from runner.operations.end_runs import end_waiting, stop_running
from runner.operations.outcome import EXPIRED, NotStarted, Recording, definition_of
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.schedules.end_date import end_date
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.instants import to_the_second

CLOCK = "system:clock"


def expire_jobs(tx: Transaction, uids: Iterable[str], now: datetime) -> tuple[NotStarted, ...]:
    """Hold those of the jobs that are over and not held for it yet; which of their runs that wait ended.

    What has not begun is SKIPPED (I6) and what is paused FAILED (I30). What runs or waits for a retry
    finishes, or is ended with `onExpiry: stop`.
    """
    ended: list[NotStarted] = []
    zone = zone_of_jobs_without_a_schedule(tx)
    for uid in uids:
        record = tx.objects.by_uid(uid)
        if record is None or record.removed_at is not None:
            continue
        end = end_date(record.resolved, zone)
        if end is None or end > now or any(hold.kind == "expired" for hold in tx.holds.of(uid)):
            continue
        reason = f"validUntil {record.resolved['validUntil']} has passed ({to_the_second(end)})"
        tx.holds.add(uid, HoldRecord(uid, "expired", CLOCK, reason, now), who=CLOCK, why=reason)
        for run in tx.instances.unfinished_of(uid):
            result = _end(tx, record, run, reason, now)
            if result is not None:
                ended.append(result)
    return tuple(ended)


def _end(
    tx: Transaction, record: ObjectRecord, run: InstanceRecord, reason: str, now: datetime
) -> NotStarted | None:
    if run.state == "SCHEDULED" and run.epoch == 0:
        end_waiting(tx, run, "skip", "hold expired", who=CLOCK, now=now)
        return NotStarted(run.id, run.job, "SKIPPED", "hold expired")
    stop = record.resolved["onExpiry"] == "stop"
    if run.state == "PAUSED" or (stop and run.state == "SCHEDULED"):
        finished = Recording(tx, run, definition_of(tx, run), now, CLOCK).expire()
        return NotStarted(run.id, run.job, finished.state, finished.reason, finished.job_failed)
    if stop and INSTANCE.accepts(run.state, "stop"):
        stop_running(tx, run, EXPIRED, who=CLOCK, why=reason, now=now)
    return None
