"""Make runs of the items that wait, as far as the job has room, and settle those whose run has ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from runner.declaration.inputs import check_inputs
from runner.dispatch.after import End, decide_together
from runner.dispatch.feeding import NotYet, Take, Waiting, decide_feed, is_late, room_for, to_look_at
from runner.lifecycle.holds import active
from runner.operations.arrive import WHO, drop_waiting
from runner.operations.settle_items import settle_given
from runner.operations.trigger import BadInputs
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.slot import local_text
from runner.schedules.trigger import AfterSource
from runner.store.arrivals import FAILED, Item, Queued
from runner.store.instances import NewInstance
from runner.store.port import Transaction
from runner.vocabulary.duration import parse_duration

AT_ONCE = 20
"""Runs made in one transaction; the rest follows in the next."""

AFTER_NOTHING = timedelta(minutes=1)
"""Before the next run of a job that took none of its items: it would do so again."""

TRIES = 1000
"""Keys that are tried for a run whose event's own key is taken: it was started before."""


@dataclass(frozen=True, slots=True)
class Fed:
    """The runs that were made, whether more can be made at once, and when the items are looked at again."""

    instances: tuple[int, ...] = ()
    more: bool = False
    again_at: datetime | None = None
    settled: int = 0
    dropped: int = 0
    problem: str = ""


def feed(tx: Transaction, job_uid: str, schedule: str, now: datetime) -> Fed:
    """What the items of one trigger come to now, by the job as it is installed and held at this moment.

    An item and its run are one transaction: whatever is killed, each item either waits or has its run.
    """
    found = trigger_of(tx, job_uid, schedule)
    settled = settle_given(tx, job_uid, schedule, now)
    if isinstance(found, str):
        waiting = [item.id for item in tx.arrivals.waiting(job_uid, schedule)]
        return Fed(dropped=drop_waiting(tx, waiting, found, "removed", now), settled=settled)
    if active(tx.holds.of(job_uid), now):
        return Fed(settled=settled)  # whatever holds it: what has been taken in waits
    if isinstance(found.trigger.source, AfterSource):
        fed = _after(tx, found, found.trigger.source, now)
    else:
        fed = _one_after_the_other(tx, found, now)
    return replace(fed, settled=settled)


def start_with(
    tx: Transaction, found: Triggered, ids: Sequence[int], given: Mapping[str, str], now: datetime
) -> int:
    """The run that takes these items at once, whatever is said of rest and company; for trials.

    BadInputs when they do not fit what the job declares; `given` are inputs as text, and count before what
    the items bring.
    """
    spec, flow = found.record.resolved, found.trigger.flow
    items = tx.arrivals.load(ids)
    brought = {} if flow.linger is not None else {k: v for item in items for k, v in item.inputs.items()}
    values, problems = check_inputs(spec["inputs"], {**spec["with"], **brought, **given}, from_text=True)
    if problems:
        raise BadInputs(f"Job/{found.record.name}: {'; '.join(problem.detail for problem in problems)}")
    if flow.linger is not None:
        return _consumer(tx, found, items[0], now, values)
    instance = _create(tx, found, items, values, _trigger(found, items, Take(tuple(ids), "a trial")), now)
    tx.arrivals.give(ids, instance)
    return instance


def _one_after_the_other(tx: Transaction, found: Triggered, now: datetime) -> Fed:
    flow, uid = found.trigger.flow, found.record.uid
    dropped = _drop_late(tx, found, now)
    made: list[int] = []
    room = _room(tx, found, now)
    while True:
        number = tx.arrivals.count_waiting(uid, found.name)
        for most in to_look_at(flow):
            queued = tx.arrivals.waiting(uid, found.name, most)
            decided = decide_feed([Waiting(*item) for item in queued], flow, now, number=number)
            if isinstance(decided, NotYet):
                break
        if isinstance(decided, NotYet):
            return Fed(tuple(made), again_at=decided.until, dropped=dropped)
        if len(made) >= min(room, AT_ONCE) or (flow.linger is not None and made):
            return Fed(tuple(made), more=len(made) < room and flow.linger is None, dropped=dropped)
        if flow.linger is not None:
            idle = _took_nothing(tx, found, queued[0], now)
            if idle is not None:
                return replace(idle, dropped=dropped)
            spec = found.record.resolved
            values, _ = check_inputs(spec["inputs"], spec["with"])
            made.append(_consumer(tx, found, tx.arrivals.load([queued[0].id])[0], now, values))
            continue
        instance = _started(tx, found, tx.arrivals.load(decided.ids), decided, now)
        if instance is None:
            dropped += len(decided.ids)
        else:
            made.append(instance)


def _took_nothing(tx: Transaction, found: Triggered, first: Queued, now: datetime) -> Fed | None:
    """A pause, when the last run took none of the items that waited for it: the next one would not either."""
    last = tx.instances.latest_of(found.record.uid)
    if last is None or last.completed_at is None or last.first_started_at is None:
        return None
    again_at = last.completed_at + AFTER_NOTHING
    waited = first.arrived_at <= last.first_started_at and now < again_at
    if not waited or "consume" not in last.trigger or tx.arrivals.of_instance(last.id):
        return None
    problem = (
        f"run {last.id} of {found.record.name} ended {last.state} without taking any of the items that wait "
        "(consume): its code has to go through job.items(), or its script through $RUNNER_ITEMS"
    )
    return Fed(again_at=again_at, problem=problem)


def _after(tx: Transaction, found: Triggered, source: AfterSource, now: datetime) -> Fed:
    """Ends of other jobs: of several, those that belong together; of one, as the flow says."""
    if len(source.jobs) == 1:
        return _one_after_the_other(tx, found, now)
    uid = found.record.uid
    items = {item.id: item for item in tx.arrivals.load([i.id for i in tx.arrivals.waiting(uid, found.name)])}
    ends = [End(item.id, _upstream(item), _date(item)) for item in items.values()]
    made: list[int] = []
    dropped = 0
    room = min(_room(tx, found, now), AT_ONCE)
    together = decide_together(ends, frozenset(source.jobs), same_date=source.same_slot_date)
    for start in together[:room]:
        reason = f"superseded by a later run of the same job, {len(start.superseded)} in all"
        dropped += drop_waiting(tx, start.superseded, reason, "batched", now)
        taken = [items.pop(id) for id in start.ids]
        for id in start.superseded:
            items.pop(id)
        instance = _started(tx, found, taken, Take(start.ids, "all have ended"), now)
        if instance is None:
            dropped += len(taken)
        else:
            made.append(instance)
    if len(together) > room:
        return Fed(tuple(made), more=len(made) == AT_ONCE, dropped=dropped)
    over = [item for item in items.values() if item.arrived_at + source.within <= now]
    why = "the other jobs did not end in time (within)"
    dropped += drop_waiting(tx, [item.id for item in over], why, "late", now)
    left = [item.arrived_at for item in items.values() if item not in over]
    return Fed(tuple(made), again_at=min(left) + source.within if left else None, dropped=dropped)


def _upstream(item: Item) -> str:
    return str((item.data.get("job") or {}).get("name"))


def _date(item: Item) -> Any:
    from datetime import date

    text = (item.data.get("job") or {}).get("date")
    return date.fromisoformat(text) if isinstance(text, str) else None


def _room(tx: Transaction, found: Triggered, now: datetime) -> int:
    spec = found.record.resolved["concurrency"]
    ahead = len(tx.instances.in_the_way(found.record.uid, now))
    if found.trigger.flow.linger is not None:  # one is enough, unless more are allowed by number
        return room_for("queue", spec["limit"] or 1, ahead)
    return room_for(spec["policy"], spec["limit"], ahead)


def _drop_late(tx: Transaction, found: Triggered, now: datetime) -> int:
    deadline = _start_deadline(found)
    if deadline is None:
        return 0
    queued = tx.arrivals.waiting(found.record.uid, found.name)
    late = [item.id for item in queued if is_late(item.arrived_at, deadline, now)]
    return drop_waiting(tx, late, "late: it waited longer than startDeadline", "late", now) if late else 0


def _start_deadline(found: Triggered) -> timedelta | None:
    text = found.record.resolved["schedules"][found.name].get("startDeadline")
    return parse_duration(text) if text else None


def _started(
    tx: Transaction, found: Triggered, items: Sequence[Item], take: Take, now: datetime
) -> int | None:
    """The run that takes these items; None when what came does not fit the job any more, and they FAILED."""
    spec = found.record.resolved
    given = {name: value for item in items for name, value in item.inputs.items()}
    values, problems = check_inputs(spec["inputs"], {**spec["with"], **given})
    if problems:
        told = "; ".join(problem.detail for problem in problems[:5])
        reason = f"bad-inputs: what came does not fit the job's inputs: {told}"
        drop_waiting(tx, [item.id for item in items], reason[:500], "bad-inputs", now, state=FAILED)
        return None
    instance = _create(tx, found, items, values, _trigger(found, items, take), now)
    tx.arrivals.give([item.id for item in items], instance)
    return instance


def _consumer(
    tx: Transaction, found: Triggered, first: Item, now: datetime, values: Mapping[str, Any]
) -> int:
    """The run that works through the items; it takes them one by one, when it runs."""
    linger = found.trigger.flow.linger or timedelta(0)
    trigger = {
        "schedule": found.name,
        "by": first.source,
        "chain": first.data.get("chain") or [],
        "consume": {"linger_s": linger.total_seconds()},
    }
    return _create(tx, found, [first], values, trigger, now)


def _create(
    tx: Transaction,
    found: Triggered,
    items: Sequence[Item],
    values: Mapping[str, Any],
    trigger: Mapping[str, Any],
    now: datetime,
) -> int:
    record, last = found.record, items[-1]
    deadline, start_deadline = record.resolved["deadline"], _start_deadline(found)
    slot_at = last.slot_at or last.arrived_at
    for n in range(TRIES):
        new = NewInstance(
            job_uid=record.uid,
            job=record.name,
            origin=last.kind,
            schedule=found.name,
            slot_key=last.key if n == 0 else f"{last.key}~{n}",
            slot_at=slot_at,
            slot_local=local_text(slot_at, found.trigger.zone),
            due_at=now,
            reason="slot",
            digest=record.digest,
            revision=record.revision,
            inputs=values,
            trigger=trigger,
            start_deadline=items[0].arrived_at + start_deadline if start_deadline is not None else None,
            expires_at=now + parse_duration(deadline) if deadline else None,
            requested_by=WHO,
        )
        id = tx.instances.create(new, who=WHO, at=now, why=_why(items))
        if id is not None:
            return id
    raise ValueError(f"the item {last.id} of {record.name} was started {TRIES} times")


def _why(items: Sequence[Item]) -> str:
    said = items[-1].source
    return said if len(items) == 1 else f"{said}, and {len(items) - 1} before it"


def _trigger(found: Triggered, items: Sequence[Item], take: Take) -> dict[str, Any]:
    """What the run sees as `trigger`: the last item's data, of several all as `batch`."""
    last = items[-1]
    made: dict[str, Any] = {
        "schedule": found.name,
        "by": last.source,
        "items": [item.id for item in items],
        **last.data,
    }
    if isinstance(found.trigger.source, AfterSource) and len(found.trigger.source.jobs) > 1:
        made["jobs"] = {_upstream(item): item.data["job"] for item in items}
        chains = [item.data.get("chain") or [] for item in items]
        made["chain"] = max(chains, key=len)
    elif len(items) > 1:
        made["batch"] = [dict(item.data) for item in items]
        made["why"] = take.reason
    return made
