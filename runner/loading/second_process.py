"""The other core for a cold load: a process that is asked for half of the work.

It is started afresh and never forked, because the daemon has threads; `worker` is what runs in it. When it
dies its half is done here: slower, but not wrong.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import struct
import subprocess
import sys
from typing import IO, Any

WORTH_IT = 400
"""Files from which it saves more than the time it needs to start (about 0.3 s)."""


class SecondProcess:
    """One question at a time, each with one answer."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "runner.loading.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )

    def ask(self, *question: Any) -> None:
        """Put a question; what it computes meanwhile is fetched with `answer`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died: noticed when it does not answer
            send(self._process.stdin, question)

    def answer(self) -> Any:
        """The answer to the question, or None when there will be none."""
        assert self._process.stdout is not None
        return receive(self._process.stdout)

    def close(self) -> None:
        """End it: it has answered, or nobody waits for the answer any more."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


def is_worth_it(files: int) -> bool:
    """Whether a second process would help with that many files on this machine."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return files >= WORTH_IT and cores > 1


def send(pipe: IO[bytes], value: Any) -> None:
    """Write one value: its length, and it in marshal's format (both ends are the same Python)."""
    packed = marshal.dumps(value)
    pipe.write(struct.pack(">Q", len(packed)))
    pipe.write(packed)
    pipe.flush()


def receive(pipe: IO[bytes]) -> Any:
    """Read one value; None when the other end has gone."""
    head = pipe.read(8)
    if len(head) != 8:
        return None
    (length,) = struct.unpack(">Q", head)
    packed = pipe.read(length)
    return marshal.loads(packed) if len(packed) == length else None  # noqa: S302 - between us two
