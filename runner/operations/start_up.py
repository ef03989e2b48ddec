"""Start the jobs whose trigger is the start of the daemon: once for each session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from runner.lifecycle.holds import active
from runner.operations.arrive import arrive, drop_new, switched_off
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import StartupSource
from runner.store.arrivals import NewItem
from runner.store.port import Transaction


def start_up(tx: Transaction, feeds: Sequence[tuple[str, str]], session: int, now: datetime) -> int:
    """Take in the start of this daemon for each of them; how many wait now."""
    count = 0
    for uid, name in feeds:
        found = trigger_of(tx, uid, name)
        if not isinstance(found, Triggered) or not isinstance(found.trigger.source, StartupSource):
            continue
        new = NewItem(
            job_uid=uid,
            schedule=name,
            kind="startup",
            key=f"startup:{session}",
            source=f"start of the daemon, session {session}",
            data={"startup": {"session": session}},
        )
        off = switched_off(active(tx.holds.of(uid), now))
        if off is not None:
            drop_new(tx, new, f"hold {off.kind} of {off.owner}", "hold", now, f"hold {off.kind}")
            continue
        flow = found.trigger.flow
        overflow = "drop-newest" if flow.overflow == "refuse" else flow.overflow
        count += arrive(tx, new, replace(flow, overflow=overflow), now).outcome == "queued"
    return count
