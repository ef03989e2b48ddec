"""Processes that a debugger holds, and such as SIGKILL does not end, as if they waited for a device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_HOLDER = """\
import ctypes, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, TRACE_EXIT = 0x4206, 0x40  # linux/ptrace.h: it stops at its exit until its tracer lets it go on
for pid in map(int, sys.argv[1:]):
    if libc.ptrace(SEIZE, pid, 0, TRACE_EXIT):
        sys.exit(f"process {pid} cannot be held: errno {ctypes.get_errno()}")
print("held", flush=True)
signal.pause()
"""


_DEBUGGER = """\
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
SEIZE, INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000  # linux/ptrace.h, waitpid(2): threads, too
for task in map(int, sys.argv[1:]):
    if libc.ptrace(SEIZE, task, 0, 0) or libc.ptrace(INTERRUPT, task, 0, 0):
        sys.exit(f"{task} cannot be held: errno {ctypes.get_errno()}")
    os.waitpid(task, WALL)
print("held", flush=True)
signal.pause()
"""


@contextmanager
def held_by_a_debugger(*tasks: int) -> Iterator[int]:
    """Within the block these processes or threads stand still; gives the pid of who holds them."""
    with _holding(_DEBUGGER, tasks) as debugger:
        yield debugger


@contextmanager
def that_cannot_end(*pids: int) -> Iterator[None]:
    """Within the block these processes cannot end, whatever they are sent; killed ones end with the block."""
    with _holding(_HOLDER, pids):
        yield


@contextmanager
def _holding(program: str, tasks: tuple[int, ...]) -> Iterator[int]:
    holder = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, tasks)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
