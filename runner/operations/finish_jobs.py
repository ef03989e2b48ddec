"""Hold one-time jobs that are done: hold `finished`, so that nobody waits for a start that never comes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from runner.lifecycle.holds import active
from runner.operations.decide_once import has_its_run, has_one_slot
from runner.operations.holding import hold_job
from runner.operations.schedulable import SchedulableJob
from runner.schedules.fire_and_forget import FireAndForget
from runner.schedules.window import Window
from runner.store.port import Reader, Transaction

CLOCK = "system:clock"
FINISHED, FAILURE = "finished", "failure"


def is_one_time(job: SchedulableJob) -> bool:
    """Whether each of its schedules has one slot: the range of a window, or fire-and-forget."""
    return bool(job.schedules) and all(has_one_slot(each.schedule) for each in job.schedules)


def is_done(reader: Reader, job: SchedulableJob, now: datetime) -> bool:
    """Whether every slot of a one-time job is decided, or can never be, and nothing of it is under way.

    Also of one that has failed: it does not start again either, and both holds say so.
    """
    if any(hold.kind != FAILURE for hold in active(reader.holds.of(job.uid), now)):
        return False
    for named in job.schedules:
        watermark = reader.slots.watermark(job.uid, named.name)
        if watermark is None:
            return False
        schedule = named.schedule
        if isinstance(schedule, FireAndForget):
            if watermark.slot_key is None:
                return False
        elif isinstance(schedule, Window) and not has_its_run(reader, job.uid, schedule):
            over_without_a_slot = schedule.is_over(now) and schedule.is_over(watermark.at)
            if not over_without_a_slot:
                return False
    return not reader.instances.unfinished_of(job.uid)


def finish_jobs(tx: Transaction, jobs: Iterable[SchedulableJob], now: datetime) -> tuple[str, ...]:
    """Hold those that are done; their names. A new revision that is to be executed ends the hold."""
    held = []
    for job in jobs:
        record = tx.objects.by_uid(job.uid)
        if record is None or record.digest != job.digest or not is_done(tx, job, now):
            continue
        latest = tx.instances.latest_of(job.uid)
        reason = (
            "no time is left in which it may start"
            if latest is None
            else f"it starts once, and is done: its run {latest.id} is {latest.state}"
        )
        hold_job(tx, record, FINISHED, owner=CLOCK, who=CLOCK, reason=reason, now=now)
        held.append(job.name)
    return tuple(held)
