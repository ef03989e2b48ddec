"""Processes that SIGKILL does not end, as those are not that wait for a device or a file system."""

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


@contextmanager
def that_cannot_end(*pids: int) -> Iterator[None]:
    """Within the block these processes cannot end, whatever they are sent; killed ones end with the block."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, *map(str, pids)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
