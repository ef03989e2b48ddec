"""Decide the slot of a schedule that has only one: the range of a window, or fire-and-forget.

Such a slot is not missed before its time is over: a daemon that comes back in the middle of a range starts
its run then, and so does a job that is enabled there.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runner.dispatch.missed import ONCE, SlotDecision
from runner.operations.run_of_slot import SCHEDULER, run_of_slot
from runner.operations.schedulable import NamedSchedule, SchedulableJob
from runner.schedules.fire_and_forget import FireAndForget
from runner.schedules.slot import Schedule, Slot
from runner.schedules.window import Window
from runner.store.port import Reader, Transaction
from runner.store.slots import SlotRecord, Watermark

WINDOW_END = "window-end"
WINDOW_CLOSED = "window-closed"


def has_one_slot(schedule: Schedule) -> bool:
    """Whether it is decided here."""
    return isinstance(schedule, FireAndForget) or (isinstance(schedule, Window) and not schedule.each)


def has_its_run(reader: Reader, job_uid: str, schedule: Schedule) -> bool:
    """Whether the one slot of a range is decided, under whatever watermark: an edit sets that to now."""
    if not isinstance(schedule, Window) or schedule.each:
        return False
    return reader.slots.is_decided(job_uid, schedule.range_key)


def due_after(schedule: Schedule, watermark: Watermark | None, now: datetime) -> datetime | None:
    """When a schedule has something to decide next; None for never, as far as can be said now."""
    if isinstance(schedule, FireAndForget):
        return None if watermark is not None and watermark.slot_key else now
    if isinstance(schedule, Window) and not schedule.each:
        if watermark is not None and watermark.slot_key == schedule.range_key:
            return None
        opening = schedule.opening_at(now)
        if opening is not None and opening.may_start(now):
            return now
        if watermark is not None and _has_passed(schedule, watermark, now):
            return now
        following = schedule.next_opening(now)
        return None if following is None else following.opens_at
    slot = schedule.next_after(now if watermark is None else watermark.at)
    return None if slot is None else slot.at


def undecided_since(schedule: Schedule, watermark: Watermark, now: datetime) -> datetime | None:
    """Since when something should have been decided: the first slot after the watermark, and of a schedule
    with one slot the moment from which that was due; None when nothing is.
    """
    if not has_one_slot(schedule):
        slot = schedule.next_after(watermark.at)
        return None if slot is None else slot.at
    if due_after(schedule, watermark, now) != now:
        return None
    opening = schedule.opening_at(now) if isinstance(schedule, Window) else None
    return watermark.at if opening is None else max(opening.opens_at, watermark.at)


def decide_once(
    tx: Transaction, job: SchedulableJob, named: NamedSchedule, watermark: Watermark | None, now: datetime
) -> int | None:
    """The run that the one slot has become, or None; called while nothing holds the job.

    What was decided before stays so, under whatever watermark. A range that has passed without a run is a
    row in the ledger.
    """
    schedule = named.schedule
    released = now if watermark is None else watermark.at
    if isinstance(schedule, FireAndForget):
        slot = schedule.slot_at(released, job.execution_digest)
        expires_at = released + schedule.expires_in
        return _create(tx, job, named, slot, expires_at, released, now)
    assert isinstance(schedule, Window)
    opening = schedule.opening_at(now)
    if opening is not None and opening.may_start(now):
        return _create(tx, job, named, schedule.slot_of(opening), None, released, now)
    if watermark is not None and _has_passed(schedule, watermark, now):
        key, at = schedule.range_key, schedule.last_close or now
        reason = "the range of its windows was over before it could start"
        tx.slots.decide(
            SlotRecord(job.uid, named.name, key, at, "skipped", reason, None, now, rule=WINDOW_END)
        )
        tx.slots.set_watermark(job.uid, named.name, now, key)
    elif watermark is None:
        tx.slots.set_watermark(job.uid, named.name, now)
    return None


def _has_passed(window: Window, watermark: Watermark, now: datetime) -> bool:
    """Whether the range is over, and was not when its job was released."""
    return window.is_over(now) and not window.is_over(watermark.at)


def _create(
    tx: Transaction,
    job: SchedulableJob,
    named: NamedSchedule,
    slot: Slot,
    expires_at: datetime | None,
    released: datetime,
    now: datetime,
) -> int | None:
    instance = None
    if not tx.slots.is_decided(job.uid, slot.key):
        due_at = slot.at + named.jitter
        new = run_of_slot(
            job, named, slot, {ONCE: named.schedule.kind}, due_at=due_at, waits_from=max(due_at, now)
        )
        ends = [at for at in (new.expires_at, expires_at) if at is not None]
        new = replace(new, expires_at=min(ends, default=None))
        instance = tx.instances.create(new, who=SCHEDULER, at=now)
    # Also when it was decided before, under an earlier watermark: there is nothing to decide any more.
    tx.slots.set_watermark(job.uid, named.name, max(slot.at, released), slot.key)
    return instance


def without_closed(schedule: Schedule, decision: SlotDecision, now: datetime) -> SlotDecision:
    """An opening of which nothing is left makes no run of its own: SKIPPED, whatever the missed policy."""
    if decision.action == "skip" or not isinstance(schedule, Window):
        return decision
    opening = schedule.opening_at(decision.slot.at)
    if opening is not None and now < opening.starts_until:
        return decision
    reason = "its window had closed before it could start"
    return SlotDecision(decision.slot, "skip", reason, rule=WINDOW_CLOSED)
