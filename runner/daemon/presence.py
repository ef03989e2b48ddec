"""The daemon's presence in the database: who runs since when, its signs of life, and how the clock goes."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock, read_clocks
from runner.dispatch.clock_watch import ClockEvent, ClockReading, compare_clocks
from runner.execution.processes import boot_id
from runner.operations.login_name import login_name
from runner.operations.note_clock import note_events, note_presence
from runner.operations.restored import note_seen
from runner.store.port import Store, Transaction

LOOK_S = 1.0
"""Between two looks at the clocks (R14): a step is told, and known, to a second."""

BEAT_S = 10.0
"""Between signs of life, each of them a write; `doctor` calls a daemon silent after three of them."""


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
    """Compares the clocks at each look (R14), and writes a sign of life at each beat, without waiting for it.

    `happened` hears what became of the clock, once that is durable: then it is time to look at everything.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        clock: Clock,
        session: int,
        happened: Callable[[ClockEvent], None] = lambda event: None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._bridge = Bridge(loop, store)
        self._clock = clock
        self._session = session
        self._happened = happened
        self.beaten: Callable[[], None] = lambda: None
        """Called after each beat, on the loop."""
        self._boot_id = boot_id()
        self.last = read_clocks(clock)
        """At the last look; a watchdog sees by it whether the loop still turns."""
        self._beaten_s = self.last.awake_s
        self._stretch, events = store.transact(
            lambda tx: note_presence(tx, session, self._boot_id, self.last)
        )
        self._seen(self.last)
        for event in events:
            loop.call_soon(happened, event)
        self._handle = loop.call_later(LOOK_S, self._tick)

    def _tick(self) -> None:
        self._handle = self._loop.call_later(LOOK_S, self._tick)
        self.look()

    def look(self, *, beat: bool = False) -> None:
        """Compare the clocks, and write what became of them; a sign of life when it is time for one."""
        before, now = self.last, read_clocks(self._clock)
        self.last = now
        events = compare_clocks(before, now)
        is_time = beat or now.awake_s - self._beaten_s >= BEAT_S
        if not events and not is_time:
            return

        def work(tx: Transaction) -> int | None:
            tx.sessions.beat(self._session, now.wall)
            if events:
                return note_events(tx, self._session, self._boot_id, events, before, now)
            tx.presence.extend(self._stretch, at=now.wall, boot_s=now.boot_s)
            return None

        def then(stretch: int | None, problem: BaseException | None) -> None:
            if stretch is not None:
                self._stretch = stretch
            if problem is None:
                self._seen(now)
            for event in events:  # told also when it could not be written
                self._happened(event)

        self._bridge.write(work, then)
        if is_time:
            self._beaten_s = now.awake_s
            self.beaten()

    def _seen(self, now: ClockReading) -> None:
        """Only what is durable: a database that knows less than this was restored."""
        note_seen(self._store.path.parent, self._store.installation_id, self._stretch, now.wall)

    def stop(self) -> None:
        """No more looks and beats."""
        self._handle.cancel()

    def say_goodbye(self, tx: Transaction) -> None:
        """The stretch ends here, as it should."""
        now = read_clocks(self._clock)
        tx.presence.end(self._stretch, at=now.wall, boot_s=now.boot_s, by="stop")
