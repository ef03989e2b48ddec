"""Does a process that the daemon needs stand still?

One that was stopped goes on, and one that a debugger holds is told.

Whoever stops a zygote (a job that stops its parent, an operator who meant another process) stops every start,
every end and every timeout with it: nobody would notice, and every run would stay RUNNING.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from runner.execution.processes import children
from runner.execution.still import Still, still_now
from runner.operations.alarms import FREED, HELD, STOPPED
from runner.vocabulary.instants import to_the_second

LOOK_S = 10.0
"""Between two looks for debuggers. What is in the same stop at both does not go on by itself."""

TOLD_AGAIN_S = 60.0
"""Whoever is stopped again and again is told that often."""

_ROLES = {
    b"runner.execution.start_zygote": ("which starts and ends runs", "no run starts or ends meanwhile"),
    b"runner.web.main": ("the listener", "no request is answered meanwhile"),
}
_OTHER = ("which the daemon started", "what it is to do is not done meanwhile")
"""By a part of the command: what it is, and what its standing still means."""


class Alarm(Protocol):
    """Tells a person, and keeps it as an event."""

    def __call__(self, event: str, text: str, now: datetime, **details: Any) -> None: ...


class StandingStill:
    """Lets the children of this process go on that were stopped, from its making until `stop`.

    The kernel tells of it (SIGCHLD), so that nothing is asked in vain. Of what a debugger holds it tells only
    the debugger: that is looked for every ten seconds, told once, and told again when it is over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, now: Callable[[], datetime], alarm: Alarm) -> None:
        self._loop = loop
        self._now = now
        self._alarm = alarm
        self._quiet_until_s = 0.0
        self._suspects: dict[Still, datetime] = {}
        self._held: dict[int, str] = {}
        loop.add_signal_handler(signal.SIGCHLD, self.look)
        self._timer = loop.call_later(LOOK_S, self._tick)
        self.look()

    def look(self) -> None:
        """Let whatever was stopped go on."""
        stopped = [still.pid for still in _standing(children()) if not still.by_debugger]
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGCONT)
        if stopped and self._loop.time() >= self._quiet_until_s:
            self._quiet_until_s = self._loop.time() + TOLD_AGAIN_S
            named = ", ".join(f"{pid}, {_role(pid)[0]}" for pid in stopped)
            text = f"process {named}, was stopped (SIGSTOP), and goes on"
            self._alarm(STOPPED, text, self._now(), pids=stopped)

    def look_for_debuggers(self) -> None:
        """Tell what has been in one and the same stop since the last look, and what is so no more."""
        now = self._now()
        found = {
            still: self._suspects.get(still, now) for still in _standing(children()) if still.by_debugger
        }
        for still, since in found.items():
            if still in self._suspects and still.pid not in self._held:
                role, meaning = _role(still.pid)
                self._held[still.pid] = role
                text = f"process {still.pid}, {role}, is {still.how} since {to_the_second(since)}: {meaning}"
                self._alarm(HELD, f"{text}; {still.go_on}", now, pid=still.pid, go_on=still.go_on)
        for pid in self._held.keys() - {still.pid for still in found}:
            text = f"process {pid}, {self._held.pop(pid)}, is held by the debugger no more"
            self._alarm(FREED, text, now, pid=pid)
        self._suspects = found

    def _tick(self) -> None:
        self._timer = self._loop.call_later(LOOK_S, self._tick)
        self.look_for_debuggers()

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._loop.remove_signal_handler(signal.SIGCHLD)


def _standing(pids: Iterable[int]) -> list[Still]:
    return [still for still in map(still_now, pids) if still is not None]


def _role(pid: int) -> tuple[str, str]:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        return next((role for program, role in _ROLES.items() if program in command), _OTHER)
    return _OTHER
