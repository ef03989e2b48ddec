"""What is the daemon doing: does it run, start, drain, is it stopped or silent, or is there none?"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from runner.execution.still import Still, stands_still
from runner.operations.outcome import definition_of
from runner.store.daemon_lock import Holder, lock_holder
from runner.store.instances import InstanceRecord
from runner.store.port import Reader

SILENT_AFTER = timedelta(seconds=30)
"""Three missed signs of life."""

Doing = Literal["none", "starting", "running", "draining", "stopped", "silent"]


@dataclass(frozen=True, slots=True)
class DaemonNow:
    """Who holds the database, and what he does; `since` when he does that. `stopped` is what SIGSTOP or a
    debugger does: `still` says which.
    """

    holder: Holder | None
    doing: Doing
    since: datetime | None = None
    still: Still | None = None

    @property
    def lives(self) -> bool:
        """Whether it will do what is due."""
        return self.doing in ("starting", "running")

    @property
    def who(self) -> str:
        """For a sentence about it."""
        return f"pid {self.holder.pid} on {self.holder.host}" if self.holder is not None else "no daemon"


def daemon_now(reader: Reader, state: Path, now: datetime) -> DaemonNow:
    """Asked of the lock, of the signs of life in the database, and on its own machine of the process."""
    holder = lock_holder(state)
    if holder is None:
        return DaemonNow(None, "none")
    session = reader.sessions.current_daemon()
    known = session if session is not None and holder.pid in (0, session.pid) else None  # else: predecessor's
    if (still := _still(holder)) is not None:
        return DaemonNow(holder, "stopped", known.heartbeat_at if known is not None else holder.since, still)
    if known is not None and now - known.heartbeat_at > SILENT_AFTER:
        return DaemonNow(holder, "silent", known.heartbeat_at)
    if holder.drains_since is not None:
        return DaemonNow(holder, "draining", holder.drains_since)
    if known is None:
        return DaemonNow(holder, "starting", holder.since)
    return DaemonNow(holder, "running", known.started_at)


def nobody_starts(state: Path) -> str:
    """Why what is due is started by nobody now, as the beginning of a sentence; empty when it is."""
    holder = lock_holder(state)
    if holder is None:
        return "No daemon runs"
    if (still := _still(holder)) is not None:
        return f"The daemon (pid {holder.pid}) is {still.how_and_what_now}"
    return "" if holder.drains_since is None else f"The daemon (pid {holder.pid}) drains"


def still_daemon(state: Path) -> Still | None:
    """How the daemon stands still, if it does."""
    holder = lock_holder(state)
    return None if holder is None else _still(holder)


def _still(holder: Holder) -> Still | None:
    """Only its own machine can tell."""
    is_here = bool(holder.pid) and holder.host == socket.gethostname()
    return stands_still(holder.pid) if is_here else None


def waited_for(reader: Reader) -> tuple[str, ...]:
    """What a drain still waits for, one phrase for each run."""
    live = [run for run in reader.instances.live() if run.state != "UNKNOWN"]
    return tuple(_described(reader, run) for run in live)


def _described(reader: Reader, run: InstanceRecord) -> str:
    start = f"run {run.id} of {run.job} ({run.state})"
    if run.targets:
        running = reader.tasks.counts(run.id).get("RUNNING", 0)
        return f"{start}, {running} target{'' if running == 1 else 's'}"
    begun = next((step.name for step in reader.steps.of(run.id) if step.state == "STARTED"), None)
    if begun is None:
        return start
    steps = definition_of(reader, run).get("steps") or ()
    is_shielded = any(step.get("name") == begun and step.get("interruptible") is False for step in steps)
    shield = ", which is not interruptible" if is_shielded else ""
    return f"{start}, step {begun}{shield}"
