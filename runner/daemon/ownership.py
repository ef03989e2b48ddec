"""Is the database still this daemon's, after it stood still or somebody took its lock or its file away?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from runner.operations.daemon_now import still_daemon
from runner.store.daemon_lock import DaemonLock, daemon_lock
from runner.store.port import Store
from runner.vocabulary.errors import AlreadyRunning, RunnerError, StoreUnavailable

LOOK_EVERY_S = 10.0
"""As often as signs of life are written; whoever takes the database over has ended the session by then."""

AGAIN_S = 1.0
"""What is gone is looked for once more after this: it may be on its way back, as after a remount."""

LOST, GONE = "lost", "gone"
TAKEN = (LOST, GONE)
"""How a daemon ends that another one has taken the database from, or somebody the file."""

TAKEN_OVER = (
    "another daemon has taken this database over while this one stood still, or its lock file was taken "
    "away; this one has ended what it ran, and changed nothing more. `runner status` says who runs now"
)


REMOVED = (
    "{path} was removed or replaced while this daemon ran: what has happened since is not in what is there "
    "now. It has ended what it ran. Put the database back, or leave it as it is, and start `runner up` again"
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
    """Looks from time to time, and as soon as the process goes on after a SIGSTOP; calls `lost` once, with
    LOST or GONE.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        lock: DaemonLock,
        session: int,
        lost: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._store = store
        self._lock = lock
        self._session = session
        self._lost = lost
        self._file = _file_at(store.path)
        self._is_gone = False
        loop.add_signal_handler(signal.SIGCONT, self.look)
        self._timer = loop.call_later(LOOK_EVERY_S, self.look)

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
        self._loop.remove_signal_handler(signal.SIGCONT)

    def look(self) -> None:
        """Look now, and again in a while."""
        self._timer.cancel()
        was_gone, self._is_gone = self._is_gone, _file_at(self._store.path) != self._file
        if was_gone and self._is_gone:
            self._lost(GONE)
        elif self._is_gone or self._is_ours():
            self._timer = self._loop.call_later(AGAIN_S if self._is_gone else LOOK_EVERY_S, self.look)
        else:
            self._lost(LOST)

    def _is_ours(self) -> bool:
        if not self._lock.keep():
            return False
        try:
            with self._store.read() as reader:
                session = reader.sessions.get(self._session)
        except RunnerError:  # it cannot be read now, so nobody else writes there either
            return True
        return session is None or session.ended_at is None


def taken_away(how: str, path: Path) -> RunnerError:
    """What there is to say at such an end."""
    return AlreadyRunning(TAKEN_OVER) if how == LOST else StoreUnavailable(REMOVED.format(path=path))


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _when_it_stands_still(state: Path) -> str:
    still = still_daemon(state)
    if still is None:
        return ""
    return (
        f". It is {still.how}, so nothing starts. To let it go on: {still.go_on}. After "
        f"`kill -KILL {still.pid}` the next `runner up` takes over what it ran"
    )
