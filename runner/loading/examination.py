"""What do these files declare, when nothing is known of them? The cold way, on two cores if it is long.

The second half goes to a process of its own, started afresh and never forked: the daemon has threads.
"""

from __future__ import annotations

import gc
import marshal
import os
import struct
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from runner.loading.files import read_file
from runner.loading.verdict import examine, pack
from runner.loading.walk import Complaint

WORTH_A_PROCESS = 400
"""Files from which a second process saves more than the time it needs to start (about 0.3 s)."""


class Examined(NamedTuple):
    """A file that was read: the sha256 of its content, and the packed verdict on it."""

    sha256: bytes
    packed: bytes


def examine_files(root: str, paths: Sequence[str]) -> dict[str, Examined | Complaint]:
    """The verdict on each file, or why it could not be read."""
    if len(paths) < WORTH_A_PROCESS or _cores() < 2:
        return dict(zip(paths, examine_each(root, paths), strict=True))
    middle = len(paths) // 2
    mine, theirs = paths[:middle], paths[middle:]
    with _worker(root, theirs) as answer:
        found = dict(zip(mine, examine_each(root, mine), strict=True))
        their_answers = _answers(answer)
    if len(their_answers) != len(theirs):  # it was killed: slower, but not wrong
        their_answers = list(examine_each(root, theirs))
    found.update(zip(theirs, their_answers, strict=True))
    return found


def examine_each(root: str, paths: Iterable[str]) -> Iterator[Examined | Complaint]:
    """The verdicts one after the other, on this core."""
    with _no_collection():
        for path in paths:
            content = read_file(root, path)
            if isinstance(content, Complaint):
                yield content
            else:
                yield Examined(content.sha256, pack(examine(content.raw)))


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """The second process: one request, one answer."""
    root, paths = marshal.loads(requests.read())  # noqa: S302 - from the parent, over a pipe
    _send(answers, [tuple(each) for each in examine_each(root, paths)])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@contextmanager
def _worker(root: str, paths: Sequence[str]) -> Iterator[IO[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "runner.loading.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        try:
            process.stdin.write(marshal.dumps((root, list(paths))))
            process.stdin.close()
        except BrokenPipeError:  # it has died: noticed by its missing answers
            pass
        yield process.stdout
    finally:
        process.kill()  # it has answered, or nobody waits for the answer any more
        process.stdout.close()
        process.wait()


def _send(answers: IO[bytes], values: list[tuple[object, ...]]) -> None:
    packed = marshal.dumps(values)
    answers.write(struct.pack(">Q", len(packed)))
    answers.write(packed)
    answers.flush()


def _answers(answers: IO[bytes]) -> list[Examined | Complaint]:
    head = answers.read(8)
    if len(head) != 8:
        return []
    (length,) = struct.unpack(">Q", head)
    packed = answers.read(length)
    if len(packed) != length:
        return []
    values = marshal.loads(packed)  # noqa: S302 - from our own child, over a pipe
    return [Examined(*each) if len(each) == 2 else Complaint(*each) for each in values]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without cyclic garbage collection: it would go again and again over what is being built."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
