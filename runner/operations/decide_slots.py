"""Decide the slots of one schedule that have fallen due: an instance, or a skipped row with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from runner.dispatch.missed import SlotDecision, decide_missed
from runner.lifecycle.holds import active
from runner.operations.decide_once import decide_once, has_one_slot, without_closed
from runner.operations.end_holds import end_holds_of
from runner.operations.run_of_slot import SCHEDULER, run_of_slot
from runner.operations.schedulable import NamedSchedule, SchedulableJob
from runner.schedules.slot import Slot
from runner.schedules.zones import ends_gap
from runner.store.instances import NewInstance
from runner.store.port import Transaction
from runner.store.slots import SlotRecord

MOST_SLOTS_AT_ONCE = 10_000
"""After a very long downtime the rest is decided in the next round."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of the due slots: the new instances, how many slots were skipped, whether more are due."""

    instances: tuple[int, ...] = ()
    skipped: int = 0
    more: bool = False
    held: bool = False


def decide_slots(tx: Transaction, job: SchedulableJob, named: NamedSchedule, now: datetime) -> Decided:
    """Write a decision for every slot of `named` up to `now`, and move the watermark with it (R9).

    Decides nothing while the job is held: holds that end by enabling set the watermark to that moment, and a
    pause leaves it to the missed policy (lifecycle.md, principle 1). A hold whose time is over is ended
    first, so that no slot of its time can be taken for missed.
    """
    holds = tx.holds.of(job.uid)
    if active(holds, now):
        return Decided(held=True)
    if holds:
        end_holds_of(tx, job.uid, holds, now)
    watermark = tx.slots.watermark(job.uid, named.name)
    if has_one_slot(named.schedule):
        instance = decide_once(tx, job, named, watermark, now)
        return Decided() if instance is None else Decided((instance,))
    if watermark is None:  # nothing before this moment was ever promised
        tx.slots.set_watermark(job.uid, named.name, now, None)
        return Decided()
    due = list(islice(named.schedule.between(watermark.at, now), MOST_SLOTS_AT_ONCE))
    if not due:
        return Decided()
    decisions = decide_missed(
        due,
        now=now,
        policy=job.missed,
        max_age=job.missed_max_age,
        max_runs=job.missed_max_runs,
        interval=getattr(named.schedule, "interval", None),
    )
    decisions = tuple(without_closed(named.schedule, decision, now) for decision in decisions)
    more = len(due) == MOST_SLOTS_AT_ONCE
    dropped = tuple(decision for decision in decisions if decision.action == "skip")
    if more and dropped:  # which of the rest are the last ones is only known when all have been seen
        decisions = dropped
    created: list[int] = []
    skipped = 0
    for decision in decisions:
        instance = _carry_out(tx, job, named, decision, now)
        if instance is None:
            skipped += decision.count
        else:
            created.append(instance)
    return Decided(tuple(created), skipped, more=more)


def _carry_out(
    tx: Transaction, job: SchedulableJob, named: NamedSchedule, decision: SlotDecision, now: datetime
) -> int | None:
    slot = decision.slot

    def note(key: str, decided: str, rule: str, reason: str, **more: Any) -> None:
        row = SlotRecord(job.uid, named.name, key, slot.at, decided, reason, None, now, rule=rule)
        tx.slots.decide(replace(row, **more) if more else row)

    if decision.action == "skip":
        if decision.first is not None:
            note(slot.key, "skipped", decision.rule, decision.reason, count=decision.count,
                 first_at=decision.first.at)  # fmt: skip
        else:
            for key in slot.keys:
                note(key, "skipped", decision.rule, decision.reason)
        return None
    shared = _run_of_the_same_gap(tx, job, named, slot)
    if shared is not None:
        for key in slot.keys:
            reason = f"merged into {shared.slot_key}"
            note(key, "merged", "same-gap", reason, instance_id=shared.instance_id)
        return None
    instance = tx.instances.create(_instance(job, named, decision, now), who=SCHEDULER, at=now)
    if instance is None:  # decided before, under an earlier watermark: the ledger keeps its row
        note(slot.key, "skipped", "decided-before", "decided before")
        return None
    for key in slot.merged:
        note(key, "merged", "same-instant", f"merged into {slot.key}", instance_id=instance)
    return instance


def _run_of_the_same_gap(
    tx: Transaction, job: SchedulableJob, named: NamedSchedule, slot: Slot
) -> SlotRecord | None:
    """The ledger row of the run that another schedule of this job made at the end of the same gap (R3)."""
    zone = named.schedule.zone
    if len(job.schedules) == 1 or named.schedule.kind == "every" or not ends_gap(zone, slot.at):
        return None
    rows = (row for row in tx.slots.decided_at(job.uid, slot.at) if row.decision == "instance")
    return next((row for row in rows if row.slot_key.endswith(f"[{zone.key}]")), None)


def _instance(
    job: SchedulableJob, named: NamedSchedule, decision: SlotDecision, now: datetime
) -> NewInstance:
    slot = decision.slot
    marks = decision.marks
    due_at = slot.at if "missed" in marks else slot.at + named.jitter
    if marks:
        due_at = max(due_at, now)  # first due, first asked: not before an older one that is caught up
    return run_of_slot(job, named, slot, marks, due_at=due_at, waits_from=due_at)
