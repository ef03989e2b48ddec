"""What wakes the daemon from outside: a datagram of a command, or a change of the database's file."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path

from runner.operations.wake import A_START, DRAIN, SOCKET, SOURCES

POLL_S = 0.2
"""How often the database file is looked at, for writers that could not send a datagram."""


class WakeUps:
    """Calls `knocked` at a datagram (`asked` when it only asks for a start, `drain` and `sources` at
    those words), and `changed` after the write-ahead log was written by anybody.

    `changed` answers whether it has looked; until it has, it is asked again. Opened by `start`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        database: Path,
        *,
        knocked: Callable[[], None],
        asked: Callable[[], None],
        changed: Callable[[], bool],
        trouble: Callable[[str, BaseException], None],
        drain: Callable[[], None] = lambda: None,
        sources: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._wal = database.with_name(f"{database.name}-wal")
        self._socket_path = database.parent / SOCKET
        self._knocked = knocked
        self._asked = asked
        self._changed = changed
        self._trouble = trouble
        self._drain = drain
        self._sources = sources
        self._socket: socket.socket | None = None
        self._poller: asyncio.TimerHandle | None = None
        self._seen: tuple[int, int] | None = None

    def start(self) -> None:
        """Listen and poll from now on."""
        try:
            self._socket = self._listen()
        except OSError as problem:
            self._trouble("listening for wake-ups (the file is polled instead)", problem)
        else:
            self._loop.add_reader(self._socket.fileno(), self._receive)
        self._poll()

    def stop(self) -> None:
        """Hear nothing more."""
        if self._poller is not None:
            self._poller.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._socket_path.unlink(missing_ok=True)

    def _listen(self) -> socket.socket:
        self._socket_path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            folder = os.open(self._socket_path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                listening.bind(f"/proc/self/fd/{folder}/{SOCKET}")  # a socket's own path holds 108 bytes only
            finally:
                os.close(folder)
        except OSError:
            listening.close()
            raise
        finally:
            os.umask(mask)
        return listening

    def _receive(self) -> None:
        assert self._socket is not None
        words: set[bytes] = set()
        try:
            while True:
                words.add(self._socket.recv(16))
        except OSError:  # nothing more is there
            pass
        if DRAIN in words:
            self._drain()
        if SOURCES in words:
            self._sources()
        (self._asked if words <= {A_START} else self._knocked)()

    def _poll(self) -> None:
        self._poller = self._loop.call_later(POLL_S, self._poll)
        try:
            stat = self._wal.stat()
            seen = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            return
        if seen != self._seen and self._changed():
            self._seen = seen
