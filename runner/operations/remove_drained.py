"""Take away a removed job once nothing of it runs, waits or is paused any more (J13)."""

from __future__ import annotations

from datetime import datetime

from runner.store.port import Transaction


def remove_drained(tx: Transaction, now: datetime) -> tuple[str, ...]:
    """Remove every job that is held as `removed` and has drained; returns their names. History stays."""
    gone: list[str] = []
    for uid, holds in tx.holds.all().items():
        if not any(hold.kind == "removed" for hold in holds):
            continue
        if tx.instances.unfinished_of(uid):
            continue
        record = tx.objects.by_uid(uid)
        if record is not None and record.removed_at is None:
            tx.objects.remove(
                uid,
                expected_digest=record.digest,
                at=now,
                who="system:reconciler",
                why="its declaration was removed",
            )
            gone.append(record.name)
    return tuple(gone)
