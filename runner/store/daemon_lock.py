"""One daemon per database: an exclusive lock on a file, which ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runner.vocabulary.errors import AlreadyRunning, StoreUnavailable
from runner.vocabulary.instants import from_text, to_text, to_the_second

FILE = "runner.lock"

# struct flock of fcntl(2), for the whole file. Open file description locks: they are not lost when the
# process opens and closes the file a second time, and can be asked about without being taken.
_FLOCK = "hhqqi0q"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock. This is only a note in the file; the lock itself is the kernel's."""

    pid: int
    host: str
    since: datetime
    drains_since: datetime | None = None
    """It starts nothing any more, and ends when what runs has ended or is evicted."""


class DaemonLock:
    """The lock while it is held: what its holder says of itself there."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._own: int | None = None  # opened by `keep`
        self._note = {"pid": os.getpid(), "host": socket.gethostname(), "since": to_text(datetime.now(UTC))}
        self._write()

    def note_drain(self, since: datetime) -> None:
        """From now on it starts nothing any more."""
        self._note["drains_since"] = to_text(since)
        self._write()

    def keep(self) -> bool:
        """Whether it is still ours: False when its file was taken away and another process locked a new one.

        A file that was taken away and that nobody else has locked is made and locked again.
        """
        try:
            if _is_same(self._path, self._descriptor):
                return True
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return True  # the folder is gone, or cannot be looked into: nobody else can lock it there either
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        except OSError:
            os.close(descriptor)
            return False
        if self._own is not None:
            os.close(self._own)
        self._own = self._descriptor = descriptor
        self._write()
        return True

    def let_go(self) -> None:
        """The file stays: removing it would let two processes lock two files of one name."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        if self._own is not None:
            os.close(self._own)
            self._own = None

    def _write(self) -> None:
        line = json.dumps(self._note).encode() + b"\n"
        with contextlib.suppress(OSError):  # on a full disk the lock holds without its note
            os.pwrite(
                self._descriptor, line, 0
            )  # at once: whoever reads meanwhile reads the one or the other
            os.ftruncate(self._descriptor, len(line))


@contextlib.contextmanager
def daemon_lock(state: Path) -> Iterator[DaemonLock]:
    """Held inside the block. AlreadyRunning, with pid and host, when another process has it.

    The descriptor is closed in what is executed from here, but a bare fork() would share the lock.
    """
    path = state / FILE
    with _opened(path) as descriptor:
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _whole_file(fcntl.F_WRLCK))
        except BlockingIOError:
            raise AlreadyRunning(_refusal(state)) from None
        except OSError as problem:
            raise StoreUnavailable(
                f"{path} cannot be locked ({problem.strerror}); put the database on a local disk"
            ) from problem
        lock = DaemonLock(path, descriptor)
        try:
            yield lock
        finally:
            lock.let_go()


def lock_holder(state: Path) -> Holder | None:
    """Who runs on this database now; None when nobody does. Takes nothing, so it never stands in the way."""
    try:
        descriptor = os.open(state / FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _whole_file(fcntl.F_WRLCK))
        if struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK:
            return None
        return _noted(os.pread(descriptor, 4096, 0))
    except OSError:
        return None
    finally:
        os.close(descriptor)


def _noted(text: bytes) -> Holder:
    try:
        values = json.loads(text.split(b"\n", 1)[0])
        drains = values.get("drains_since")
        return Holder(
            int(values["pid"]), str(values["host"]), from_text(values["since"]), drains and from_text(drains)
        )
    except (ValueError, KeyError, TypeError, AttributeError):  # between taking the lock and writing the note
        return Holder(0, "this host", datetime.now(UTC))


def _refusal(state: Path) -> str:
    held = lock_holder(state)
    who = (
        f"pid {held.pid} on {held.host}, since {to_the_second(held.since)}"
        if held and held.pid
        else "a process"
    )
    return f"A daemon already runs on {state}: {who}; stop it first, or use another database with --db"


def _is_same(path: Path, descriptor: int) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    own = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)


def _whole_file(kind: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, 0, 0, 0)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as problem:
        raise StoreUnavailable(
            f"{path} cannot be opened ({problem.strerror}); give write access to {path.parent}"
        ) from problem
    try:
        with contextlib.suppress(OSError):
            os.fchmod(descriptor, 0o600)
        yield descriptor
    finally:
        os.close(descriptor)
