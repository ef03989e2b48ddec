"""Disable jobs: an operator's hold, which no deploy lifts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from runner.access.permission import Actor, may
from runner.operations.holding import Acted, hold_job, owner_of
from runner.operations.installed_jobs import schedules_of
from runner.operations.selection import installed
from runner.schedules.window import Window
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction

SHOWN = 3
"""Starts that fall into the time are named up to here; the rest is counted up to the limit below."""

COUNTED = 100


def disable_jobs(
    tx: Transaction,
    names: Sequence[str],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    allow_protected: bool = False,
) -> tuple[Acted, ...]:
    """All of them, or none. With `until` the hold ends by itself; the starts before that are dropped."""
    records = [installed(tx, "Job", name) for name in names]
    for record in records:
        may(actor, "disable", what=record.name, protected=record.protected, allow_protected=allow_protected)
    return tuple(
        hold_job(
            tx,
            record,
            "operator",
            owner=owner_of(actor),
            who=str(actor),
            reason=reason,
            now=now,
            until=until,
        )
        for record in records
    )


def starts_between(record: ObjectRecord, now: datetime, until: datetime) -> tuple[list[datetime], bool]:
    """The automatic starts of a job in `(now, until]`, at most COUNTED, and whether there are more.

    The one run of a range of windows is none of them: no hold drops it, it waits in every opening.
    """
    if record.resolved["mode"] != "automatic":
        return [], False
    starts: list[datetime] = []
    for schedule in schedules_of(record).values():
        if isinstance(schedule, Window) and not schedule.each:
            continue
        starts += [slot.at for slot in islice(schedule.between(now, until), COUNTED + 1)]
    return sorted(starts)[:COUNTED], len(starts) > COUNTED
