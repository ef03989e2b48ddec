"""Which processes belong to a state directory, and are those of an earlier daemon gone?

Lean, because the zygote imports it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterable
from typing import TYPE_CHECKING

from runner.execution.processes import Lingering, environment_of, is_gone, parent_of

if TYPE_CHECKING:
    from pathlib import Path

MARK = "RUNNER_MARK"
"""Environment name that every process of this state directory carries, so that a later daemon finds them."""


def mark_of(state: Path) -> str:
    """What marks every process that belongs to this state directory."""
    import hashlib  # which the zygote is to be without

    return hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]


def kill_marked(mark: str) -> int:
    """Kill what an earlier supervisor of the same state directory left behind; how many were there.

    Only to be called by whoever holds the state directory's lock. Goes on until none is left, because a
    dying process may still have forked, but not for ever: what was killed and cannot end stays.
    """
    killed: set[int] = set()
    lingering = Lingering()
    while True:
        left = [pid for pid in marked(mark) if not is_gone(pid, None) and lingering.may_end(pid)]
        if not left:
            return len(killed)
        killed.update(left)
        _wait_for_end(_kill(left))


def marked(mark: str) -> list[int]:
    """Every process of this machine that carries the mark, but for this one and its ancestors."""
    mine = _with_ancestors(os.getpid())
    carried = f"{MARK}={mark}".encode()
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]  # noqa: PTH208
    return [pid for pid in pids if pid not in mine and carried in environment_of(pid)]


def _with_ancestors(pid: int) -> set[int]:
    chain = set()
    while pid > 0 and pid not in chain:
        chain.add(pid)
        pid = parent_of(pid)
    return chain


def _kill(pids: Iterable[int]) -> list[int]:
    """SIGKILL through process descriptors, which name a process even when its number is used again."""
    descriptors = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        descriptors.append(descriptor)
    return descriptors


def _wait_for_end(descriptors: Iterable[int], timeout_s: float = 1.0) -> None:
    """Wait until the processes ended, at most `timeout_s` each, and close the descriptors."""
    for descriptor in descriptors:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(timeout_s * 1000)
        os.close(descriptor)
