"""Hand a run that works through items the next ones: first those that it had and did not acknowledge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.lifecycle.instance import LIVE
from runner.operations.arrive import PATIENT
from runner.store.arrivals import TAKEN, Item
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import ChangedMeanwhile

MOST = 100
"""Items in one answer."""

MOST_BYTES = 512 << 10
"""Of one answer: it reaches the process as one line."""


def take_items(tx: Transaction, instance_id: int, epoch: int, most: int) -> list[dict[str, Any]]:
    """At most so many, oldest first, as the job's code sees them; its own until it acknowledges them.

    ChangedMeanwhile when a later attempt owns the run. A run that is asked to end gets none.
    """
    instance = tx.instances.get(instance_id)
    if instance is None or instance.epoch != epoch or instance.state not in LIVE:
        raise ChangedMeanwhile(
            f"run {instance_id} has no attempt {epoch} that is live; no item was handed out"
        )
    schedule = _schedule_of(instance)
    if schedule is None or instance.state != "RUNNING":
        return []
    most = max(1, min(most, MOST))
    mine = [item for item in tx.arrivals.of_instance(instance_id) if item.state == TAKEN][:most]
    held = any(hold.kind not in PATIENT for hold in tx.holds.of(instance.job_uid))
    if len(mine) < most and not held:
        queued = tx.arrivals.waiting(instance.job_uid, schedule, most - len(mine))
        size = sum(item.size for item in mine)
        ids: list[int] = []
        for waiting in queued:
            size += waiting.size
            if size > MOST_BYTES and (ids or mine):
                break
            ids.append(waiting.id)
        if ids:
            tx.arrivals.give(ids, instance_id, one_by_one=True)
            mine += tx.arrivals.load(ids)
    return [as_given(item) for item in mine]


def _schedule_of(instance: InstanceRecord) -> str | None:
    """The trigger whose items it works through; None for a run that was not started for that."""
    consume = instance.trigger.get("consume")
    if not isinstance(consume, Mapping):
        return None
    return instance.schedule or consume.get("schedule")


def as_given(item: Item) -> dict[str, Any]:
    """An item as the job's code sees it."""
    return {
        "id": item.id,
        "kind": item.kind,
        "at": item.arrived_at.isoformat(),
        "by": item.source,
        **item.data,
    }
