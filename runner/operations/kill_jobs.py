"""Kill jobs: cancel everything of them, and hold them until an operator enables them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.instance import CANCELLABLE
from runner.operations.cancel import cancel_instances
from runner.operations.holding import Acted, acted, counted, hold_job, owner_of
from runner.operations.selection import installed
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction


def kill_jobs(
    tx: Transaction,
    names: Sequence[str],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    allow_protected: bool = False,
) -> tuple[Acted, ...]:
    """All of them, or none: cancel what is live, waits or is paused, and hold `operator`."""
    records = [installed(tx, "Job", name) for name in names]
    for record in records:
        may(actor, "kill", what=record.name, protected=record.protected, allow_protected=allow_protected)
    return tuple(_kill(tx, record, actor, reason, now) for record in records)


def _kill(tx: Transaction, record: ObjectRecord, actor: Actor, reason: str, now: datetime) -> Acted:
    unfinished = tx.instances.unfinished_of(record.uid)
    ids = [run.id for run in unfinished if run.state in (*CANCELLABLE, "STOPPING")]
    ended = [run for run in cancel_instances(tx, ids, actor=actor, reason=reason, now=now) if run.changed]
    held = hold_job(tx, record, "operator", owner=owner_of(actor), who=str(actor), reason=reason, now=now)
    unknown = [run for run in unfinished if run.state == "UNKNOWN"]
    notes = counted(
        (len(ended), "run is cancelled", "runs are cancelled"),
        (
            len(unknown),
            "run is UNKNOWN: runner instances resolve",
            "runs are UNKNOWN: runner instances resolve",
        ),
    )
    return replace(acted(tx, record, now, changed=held.changed or bool(ended)), notes=tuple(notes))
