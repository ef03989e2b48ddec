"""Does a process stand still, how, and what lets it go on? Linux only (proc(5))."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from runner.vocabulary.printable import visible

BETWEEN_LOOKS_S = 0.02
"""strace, and a profiler, stop a process for a moment only, again and again: far shorter than that."""

_STOPPED, _TRACED = "T", "t"


class Still(NamedTuple):
    """One process that does not go on by itself."""

    pid: int
    by_debugger: bool
    tracer: int = 0
    """Who traces it; 0 when that cannot be seen from here (it is outside of this container)."""
    tracer_name: str = ""
    switches: int = 0
    """How often it has left the processor: as long as that stays, it is the same stop."""

    @property
    def how(self) -> str:
        """After `is`."""
        return f"held by a debugger ({self.debugger})" if self.by_debugger else "stopped (SIGSTOP)"

    @property
    def debugger(self) -> str:
        """`gdb, pid 4711`"""
        if not self.tracer:
            return "one that cannot be seen from here"
        return f"{self.tracer_name}, pid {self.tracer}" if self.tracer_name else f"pid {self.tracer}"

    @property
    def go_on(self) -> str:
        """What lets it go on."""
        if not self.by_debugger:
            return f"kill -CONT {self.pid}"
        return f"detach the debugger, or: kill {self.tracer}" if self.tracer else "detach the debugger"

    @property
    def how_and_what_now(self) -> str:
        """Both, after `is`."""
        return f"{self.how[:-1]}; {self.go_on})"


def stands_still(pid: int) -> Still | None:
    """How the process stands still; None when it goes on, or is gone. Takes a moment when it is traced."""
    still = still_now(pid)
    if still is None or not still.by_debugger:
        return still
    time.sleep(BETWEEN_LOOKS_S)
    return still if still_now(pid) == still else None


def still_now(pid: int, thread: int | None = None) -> Still | None:
    """How the process, or one of its threads, stands still at this moment."""
    status = _status(pid, thread)
    state = status.get("State", "?")[:1]
    if state == _STOPPED:
        return Still(pid, by_debugger=False)
    if state != _TRACED:
        return None
    tracer = int(status.get("TracerPid", 0))
    switches = sum(int(status.get(f"{kind}_ctxt_switches", 0)) for kind in ("voluntary", "nonvoluntary"))
    return Still(
        pid, True, tracer, visible(_text(f"/proc/{tracer}/comm").strip()) if tracer else "", switches
    )


def _status(pid: int, thread: int | None) -> dict[str, str]:
    """Nothing when there is no such process."""
    path = f"/proc/{pid}/status" if thread is None else f"/proc/{pid}/task/{thread}/status"
    pairs = (line.partition(":") for line in _text(path).splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""
