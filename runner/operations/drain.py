"""Drain: ask the daemon to evict what can resume, to wait for the rest or stop it, and to end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor, may
from runner.operations.wake import DRAIN, knock
from runner.store.daemon_lock import Holder, lock_holder
from runner.store.port import Store
from runner.vocabulary.errors import Refused


def drain_daemon(store: Store, state: Path, *, actor: Actor, reason: str, now: datetime) -> Holder | None:
    """The daemon that was asked; None when none runs, and nothing is to be done.

    Refused when it cannot be reached: a signal does the same then.
    """
    may(actor, "drain")
    holder = lock_holder(state)
    if holder is None:
        return None
    if not knock(state, DRAIN):
        raise Refused(
            f"the daemon (pid {holder.pid} on {holder.host}) does not listen in {state}; "
            f"`kill {holder.pid}` makes it drain as well"
        )
    details = {"pid": holder.pid, "host": holder.host}
    store.transact(
        lambda tx: tx.events.append(
            "Daemon", "up", "drain", at=now, who=str(actor), why=reason, details=details
        )
    )
    return holder
