"""How many runs of a job have failed in a row, up to the one whose failure is being recorded?"""

from __future__ import annotations

from datetime import datetime

from runner.lifecycle.instance import BY_HAND
from runner.lifecycle.job import JOB
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

LOOK_BACK = 1000
"""Ends, and events of the job: far more than any `failAfter`, and still read at once."""

SHUTDOWN = "shutdown"
"""The reason of a run that was ended with its daemon: nobody's failure."""

RESET = JOB.move("FAILED", "reset").row


def consecutive_failures(tx: Transaction, instance: InstanceRecord) -> int:
    """The failures since the last success, reset or new revision, that of `instance` included.

    Starts by hand that failed count for nothing, and neither does what was cancelled or ended with its
    daemon. 0 when the instance belongs to an earlier revision: it says nothing about the present one.
    """
    record = tx.objects.by_uid(instance.job_uid)
    if record is None or record.revision != instance.revision:
        return 0
    reset_at = _last_reset(tx, record.name)
    failed = 0
    for end in tx.instances.ends_of(instance.job_uid, LOOK_BACK):
        if end.id == instance.id:
            failed += 1
        elif end.state in ("SUCCEEDED", "PARTIALLY_SUCCEEDED"):
            break
        elif end.state == "FAILED" and end.origin not in BY_HAND:
            if reset_at is not None and end.completed_at <= reset_at:
                break
            run = tx.instances.get(end.id)
            if run is None or run.revision != record.revision:
                break
            failed += run.reason != SHUTDOWN
    return failed


def _last_reset(tx: Transaction, job: str) -> datetime | None:
    return next((event.at for event in tx.events.of("Job", job, LOOK_BACK) if event.row == RESET), None)
