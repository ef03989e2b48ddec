"""What is somebody to know who starts a job by hand: what is in its way, and what becomes of it then?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.store.holds import HoldRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader

_WITHOUT_ROOM = {
    "skip": "this one is skipped",
    "queue-one": "this one waits for it, instead of any that waits now",
    "replace": "it is stopped, and this one takes its place",
}


def start_notes(
    reader: Reader, record: ObjectRecord, holds: Sequence[HoldRecord], now: datetime, *, force: bool = False
) -> list[str]:
    """Asked before the start is recorded. What waits to be claimed is in the way as soon as it is."""
    if force:
        return []
    notes = []
    if any(hold.kind == "paused" for hold in holds):
        notes.append("the job is paused, so the start waits until it is resumed")
    concurrency = record.resolved["concurrency"]
    policy, limit = concurrency["policy"], concurrency["limit"]
    others = [] if limit is None else reader.instances.in_the_way(record.uid, now)
    if limit is not None and len(others) >= limit:
        id, state = others[0]
        still = "it still is" if state != "SCHEDULED" else "it has started and still runs"
        notes.append(
            f"instance {id} is {state}; if {still} when this start is claimed, "
            f"{_WITHOUT_ROOM.get(policy, 'this one waits for it')} (concurrency: {policy})"
        )
    return notes
