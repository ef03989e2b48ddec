"""The daemon's session in the database: who runs, since when, and the last sign of life."""

from __future__ import annotations

import asyncio
import os
import socket

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.execution.processes import boot_id
from runner.operations.login_name import login_name
from runner.store.port import Store, Transaction

BEAT_S = 10.0
"""Between signs of life; `doctor` calls a daemon silent after three of them."""


def begin_session(store: Store, clock: Clock, kind: str) -> int:
    """Write this process's session row; for a daemon, end those of daemons that never said goodbye."""
    now = clock.now()

    def work(tx: Transaction) -> int:
        session = tx.sessions.start(
            kind, pid=os.getpid(), host=socket.gethostname(), boot_id=boot_id(), login=login_name(), at=now
        )
        if kind == "up":
            tx.sessions.end_others(session, now, "lost")
        return session

    return store.transact(work)


class Heartbeat:
    """Writes a sign of life at each beat, without waiting for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store, clock: Clock, session: int) -> None:
        self._loop = loop
        self._bridge = Bridge(loop, store)
        self._clock = clock
        self._session = session
        self._handle = loop.call_later(BEAT_S, self._beat)

    def _beat(self) -> None:
        now = self._clock.now()
        self._bridge.write(lambda tx: tx.sessions.beat(self._session, now), lambda result, problem: None)
        self._handle = self._loop.call_later(BEAT_S, self._beat)

    def stop(self) -> None:
        """No more beats."""
        self._handle.cancel()
