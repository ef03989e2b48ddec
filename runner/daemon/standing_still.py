"""Does a process that the daemon needs stand still? It goes on.

Whoever stops a zygote (a job that stops its parent, an operator who meant another process) stops every start,
every end and every timeout with it: nobody would notice, and every run would stay RUNNING.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from runner.execution.processes import children, is_suspended

TOLD_AGAIN_S = 60.0
"""Whoever is stopped again and again is told that often."""


class StandingStill:
    """Lets the children of this process go on that were stopped, from its making until `stop`.

    The kernel tells of it (SIGCHLD), so that nothing is asked in vain. What a debugger holds stays. `told`
    hears what was found.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[str], None]) -> None:
        self._loop = loop
        self._told = told
        self._quiet_until_s = 0.0
        loop.add_signal_handler(signal.SIGCHLD, self.look)
        self.look()

    def look(self) -> None:
        """Let whatever stands still go on."""
        stopped = [pid for pid in children() if is_suspended(pid)]
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGCONT)
        if stopped and self._loop.time() >= self._quiet_until_s:
            self._quiet_until_s = self._loop.time() + TOLD_AGAIN_S
            named = ", ".join(map(str, stopped))
            self._told(f"process {named}, which starts and ends all runs, was stopped (SIGSTOP), and goes on")

    def stop(self) -> None:
        """Look no more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
