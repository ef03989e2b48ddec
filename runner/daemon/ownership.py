"""Is the database still this daemon's, after it stood still or somebody took its lock file away?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.operations.daemon_now import still_daemon
from runner.store.daemon_lock import DaemonLock, daemon_lock
from runner.store.port import Store
from runner.vocabulary.errors import AlreadyRunning, RunnerError

LOOK_EVERY_S = 10.0
"""As often as signs of life are written; whoever takes the database over has ended the session by then."""

LOST = "lost"
"""How a daemon ends that another one has taken the database from."""

TAKEN_OVER = (
    "another daemon has taken this database over while this one stood still, or its lock file was taken "
    "away; this one has ended what it ran, and changed nothing more. `runner status` says who runs now"
)


@contextlib.contextmanager
def owned(state: Path) -> Iterator[DaemonLock]:
    """The lock, held inside the block. AlreadyRunning says what to do when its holder stands still."""
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(daemon_lock(state))
        except AlreadyRunning as refused:
            raise AlreadyRunning(f"{refused}{_when_it_stands_still(state)}") from None
        yield lock


class Ownership:
    """Looks from time to time, and as soon as the process goes on after a SIGSTOP; calls `lost` once."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        lock: DaemonLock,
        session: int,
        lost: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._store = store
        self._lock = lock
        self._session = session
        self._lost = lost
        loop.add_signal_handler(signal.SIGCONT, self._look)
        self._timer = loop.call_later(LOOK_EVERY_S, self._look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._loop.remove_signal_handler(signal.SIGCONT)

    def _look(self) -> None:
        self._timer.cancel()
        if self._is_ours():
            self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        else:
            self._lost()

    def _is_ours(self) -> bool:
        if not self._lock.keep():
            return False
        try:
            with self._store.read() as reader:
                session = reader.sessions.get(self._session)
        except RunnerError:  # it cannot be read now, so nobody else writes there either
            return True
        return session is None or session.ended_at is None


def _when_it_stands_still(state: Path) -> str:
    still = still_daemon(state)
    if still is None:
        return ""
    return (
        f". It is {still.how}, so nothing starts. To let it go on: {still.go_on}. After "
        f"`kill -KILL {still.pid}` the next `runner up` takes over what it ran"
    )
