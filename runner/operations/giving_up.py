"""Has a job failed too often, so that it starts no more by itself; and when does it start again?"""

from __future__ import annotations

from datetime import datetime

from runner.lifecycle.holds import active, is_blocking
from runner.lifecycle.instance import BY_HAND, LIVE
from runner.lifecycle.job import JOB
from runner.operations.consecutive_failures import SHUTDOWN, consecutive_failures
from runner.operations.reset import reset_job
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

SUPERVISOR = "system:supervisor"


def hold_when_failing(
    tx: Transaction, instance: InstanceRecord, limit: int | str, reason: str, who: str, now: datetime
) -> bool:
    """J5 and J8: hold `failure`, when this was the last failure in a row that the job may have (`failAfter`,
    a number or `never`). Whether the hold is new.
    """
    if not isinstance(limit, int) or instance.origin in BY_HAND or reason == SHUTDOWN:
        return False
    failed = consecutive_failures(tx, instance)
    if failed < limit:
        return False
    runs = "run" if failed == 1 else "runs"
    why = f"{failed} failed {runs} in a row, the last is instance {instance.id}"
    # Whoever reported the failure did not hold the job: the rule did.
    owner = who if who.startswith("system:") else SUPERVISOR
    hold = HoldRecord(instance.job_uid, "failure", owner, why, now)
    added = tx.holds.add(instance.job_uid, hold, who=who, why=why)
    if added:
        _note_that_the_job_gave_up(tx, instance, why, who, now)
    return added


def release_after_success(tx: Transaction, instance: InstanceRecord, who: str, now: datetime) -> bool:
    """J9: a manual run that succeeded ends hold `failure`, as a reset does. Whether there was one."""
    if not any(hold.kind == "failure" for hold in tx.holds.of(instance.job_uid)):
        return False
    record = tx.objects.by_uid(instance.job_uid)
    return record is not None and reset_job(tx, record, who, "a manual run succeeded", now).changed


def _note_that_the_job_gave_up(
    tx: Transaction, instance: InstanceRecord, why: str, who: str, now: datetime
) -> None:
    """J5, or J8 when it was not even running; nothing when another hold disables it anyhow."""
    if any(is_blocking(hold.kind) for hold in active(tx.holds.of(instance.job_uid), now)):
        return
    move = JOB.move("RUNNING" if instance.state in LIVE else "ASLEEP", "give_up")
    tx.events.append(
        "Job",
        instance.job,
        "job.give_up",
        at=now,
        who=who,
        why=why,
        row=move.row,
        before=move.before,
        after=move.after,
    )
