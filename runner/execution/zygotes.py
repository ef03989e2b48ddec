"""Which zygotes are there, who was started by which, and what did a dead one leave behind?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import time
from collections.abc import Callable

from runner.execution import processes
from runner.execution.protocol import AHEAD, START, Reply
from runner.execution.watches import Watches
from runner.execution.zygote_process import ZygoteProcess

_LAST_GRACE_S = 15.0
"""More than a zygote waits for processes that were killed and do not end."""
_SWEEP_S = 0.005
"""How soon to look again for what a dead zygote left behind."""


class Zygotes:
    """One zygote per profile, started when it is needed first. All but the lean one leave when idle.

    `replied` is called with everything they find out. When one broke, `kill` is called with the token of each
    child that it had started, and `died` when nothing is left of them that can end.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watches: Watches,
        *,
        mark: str,
        idle_s: float,
        replied: Callable[[Reply], None],
        kill: Callable[[int], None],
        died: Callable[[int], None],
    ) -> None:
        self._loop = loop
        self._watches = watches
        self._mark = mark
        self._replied = replied
        self._kill = kill
        self._died = died
        self._closed = False
        self.idle_s = idle_s
        self._ready: dict[str, ZygoteProcess] = {}
        self._leaving: list[ZygoteProcess] = []
        self._of: dict[int, ZygoteProcess] = {}  # token -> who started it
        self._idle_timers: dict[str, asyncio.TimerHandle] = {}
        self._session = os.getsid(0)
        self._since = self.ready("lean").started

    def ready(self, profile: str) -> ZygoteProcess:
        """The zygote of that profile, started if there is none; OSError when it cannot be."""
        if (timer := self._idle_timers.pop(profile, None)) is not None:
            timer.cancel()
        zygote = self._ready.get(profile)
        if zygote is None:
            zygote = self._ready[profile] = ZygoteProcess(profile, self._mark)
            self._watches.add(zygote.fileno(), lambda _, event: self._on_event(zygote, event))
        return zygote

    def pid_of(self, profile: str) -> int | None:
        """The process id of the zygote of that profile, if there is one."""
        zygote = self._ready.get(profile)
        return None if zygote is None else zygote.pid

    def start(
        self, zygote: ZygoteProcess, token: int, descriptors: tuple[int, ...], *, ahead: bool = False
    ) -> None:
        """Have it fork a child with those descriptors, which are closed here once they are passed.

        `ahead`: before there is an order for it.
        """
        self._of[token] = zygote
        zygote.tokens.add(token)
        self._ask(zygote, AHEAD if ahead else START, token, descriptors)

    def request(self, kind: bytes, token: int) -> None:
        """Ask the zygote that started the child."""
        self._ask(self._of[token], kind, token)

    def forget(self, token: int) -> None:
        """The child has ended and all is reported."""
        zygote = self._of.pop(token)
        zygote.tokens.discard(token)
        if zygote.profile != "lean" and not zygote.tokens and self._ready.get(zygote.profile) is zygote:
            timer = self._loop.call_later(self.idle_s, self._send_home, zygote)
            self._idle_timers[zygote.profile] = timer

    def close(self) -> None:
        """Have all of them end everything, and wait for that."""
        self._closed = True
        for timer in self._idle_timers.values():
            timer.cancel()
        zygotes = [*self._ready.values(), *self._leaving]
        for zygote in zygotes:
            zygote.close()
        for zygote in zygotes:
            zygote.wait(_LAST_GRACE_S)
        until = time.monotonic() + processes.ENDS_WITHIN_S
        while self.kill_orphans() and time.monotonic() < until:
            time.sleep(_SWEEP_S)

    def kill_orphans(self) -> bool:
        """Kill and collect what fell to this process from a dead zygote; whether there was something.

        What this process starts itself stays in its session (in a process group of its own, where it must not
        hear of a Ctrl-C). All below a zygote is in other sessions, and cannot come back into this one,
        whatever session or environment it gave itself.
        """
        known = {zygote.pid for zygote in (*self._ready.values(), *self._leaving)}
        found = False
        for pid in processes.children():
            if pid not in known and processes.is_of_others(pid, self._session, self._since):
                found = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return found

    def _ask(self, zygote: ZygoteProcess, kind: bytes, token: int, descriptors: tuple[int, ...] = ()) -> None:
        if zygote.fileno() >= 0 and not zygote.request(kind, token, descriptors):
            self._watches.wants_to_send(zygote.fileno())

    def _on_event(self, zygote: ZygoteProcess, event: int) -> None:
        if event & select.EPOLLOUT and zygote.flush():
            self._watches.wants_to_send(zygote.fileno(), False)
        if not event & ~select.EPOLLOUT:
            return
        replies = zygote.replies()
        if replies is None:
            self._on_death(zygote)
            return
        for reply in replies:
            self._replied(reply)

    def _send_home(self, zygote: ZygoteProcess) -> None:
        """End a zygote that nobody has needed for a while."""
        self._idle_timers.pop(zygote.profile, None)
        del self._ready[zygote.profile]
        self._watches.remove(zygote.fileno())
        zygote.close()
        self._leaving = [other for other in (*self._leaving, zygote) if not other.has_ended()]

    def _on_death(self, zygote: ZygoteProcess) -> None:
        """It was killed or broke; there may be a new one."""
        self._watches.remove(zygote.fileno())
        zygote.close()
        zygote.kill()
        if self._ready.get(zygote.profile) is zygote:
            del self._ready[zygote.profile]
        self._sweep(sorted(zygote.tokens), self._loop.time() + processes.ENDS_WITHIN_S)

    def _sweep(self, tokens: list[int], until_s: float) -> None:
        """End what a dead zygote had started; tell of it when nothing of it is left that can end."""
        if self._closed:
            return
        for token in tokens:
            self._kill(token)
        if self.kill_orphans() and self._loop.time() < until_s:
            self._loop.call_later(_SWEEP_S, self._sweep, tokens, until_s)
            return
        for token in tokens:
            self._died(token)
