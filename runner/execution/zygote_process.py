"""How does the supervisor reach a zygote?"""

from __future__ import annotations

import array
import os
import socket
import subprocess
import sys
from collections import deque

from runner.execution.marks import MARK
from runner.execution.processes import started_ticks
from runner.execution.protocol import REPLY, REQUEST, Reply

_PROGRAM = "runner.execution.start_zygote"


class ZygoteProcess:
    """One zygote: a process started here, and the socket to it."""

    def __init__(self, profile: str, mark: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.profile = profile
        # Symbols are bound before the first fork, or every child would bind, and copy, what it uses.
        env = {"PATH": os.defpath, "LANG": "C.UTF-8", "LD_BIND_NOW": "1", MARK: mark}
        if path := os.environ.get("PYTHONPATH"):
            env["PYTHONPATH"] = path  # where this package itself may have come from
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", _PROGRAM, str(theirs.fileno()), profile],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env=env,
                    cwd="/",
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        self._socket = ours
        self._waiting: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self.pid = self._process.pid
        self.started = started_ticks(self.pid) or 0
        self.tokens: set[int] = set()

    def fileno(self) -> int:
        """The descriptor to watch for replies, and for its end."""
        return self._socket.fileno()

    def request(self, kind: bytes, token: int, descriptors: tuple[int, ...] = ()) -> bool:
        """Ask; the descriptors are closed here once they are passed. False when it has to wait for room."""
        self._waiting.append((REQUEST.pack(kind, token), descriptors))
        return self.flush()

    def flush(self) -> bool:
        """Send what waits, as far as there is room; whether nothing waits any more."""
        while self._waiting:
            data, descriptors = self._waiting[0]
            passed = (
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            )
            try:
                self._socket.sendmsg([data], passed)
            except (BlockingIOError, OSError) as error:
                # ETOOMANYREFS too: room comes when the zygote has taken some. Its death is seen elsewhere.
                return isinstance(error, BrokenPipeError | ConnectionResetError)
            self._waiting.popleft()
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def replies(self) -> list[Reply] | None:
        """What it found out since; None when it is gone."""
        found: list[Reply] = []
        while len(found) < 64:
            try:
                data = self._socket.recv(REPLY.size)
            except BlockingIOError:
                return found
            except OSError:
                return found or None
            if not data:
                return found or None
            found.append(Reply(*REPLY.unpack(data)))
        return found

    def close(self) -> None:
        """Tell it to end everything, by closing its socket."""
        self._socket.close()
        for _, descriptors in self._waiting:
            for descriptor in descriptors:
                os.close(descriptor)
        self._waiting.clear()

    def wait(self, timeout_s: float) -> None:
        """Wait for its end; killed after the timeout."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def has_ended(self) -> bool:
        """Whether it is gone (and collected)."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End it without a chance to clean up: it broke, so what it started is ended by the supervisor."""
        self._process.kill()
        self._process.wait()
