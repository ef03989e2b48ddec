"""Which processes are there, in what state, and which are gone?

Linux only: prctl through ctypes, and /proc. Lean, because the zygote imports it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time

ENDS_WITHIN_S = 10.0
"""From SIGKILL on. A killed process executes nothing of its own any more: one that is still there after that
waits within the kernel for a device or a file system that does not answer, and may do so for ever."""

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

# Without argtypes: their conversions cost a fresh child more than the call. Small numbers need none.
_prctl = ctypes.CDLL(None).prctl


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process a signal when the *thread* that forked it ends (0: no more)."""
    _prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def forbid_new_privileges() -> None:
    """From now on no program that this process or its children start gains rights: set-user-ID bits and file
    capabilities count for nothing (prctl(2)). It cannot be taken back."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can slip away."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def boot_id() -> str:
    """Changes with every start of the machine: process ids mean nothing across it."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:  # noqa: PTH123 -- pathlib is not lean
        return file.read().strip()


def started_ticks(pid: int | str) -> int | None:
    """When the process started, in clock ticks after boot; with the pid it names a process for good.

    None when there is none.
    """
    fields = _stat(pid)
    return None if fields is None else int(fields[19])


def ticks_now() -> int:
    """The clock of `started_ticks`: no process that is there now started later."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS_A_SECOND)


def is_of_others(pid: int, session: int, since: int) -> bool:
    """Whether the process is in a session other than that one, and did not start before `since` (ticks)."""
    fields = _stat(pid)
    return fields is not None and int(fields[3]) not in (session, 0, -1) and int(fields[19]) >= since


def is_gone(pid: int, started: int | None) -> bool:
    """Whether that process has ended: no such pid, or only a zombie, or one that started after `started`
    (ticks at which the process was there) and so took over its number.
    """
    fields = _stat(pid)
    if fields is None or fields[0] == b"X":
        return True
    if fields[0] == b"Z" and int(fields[17]) <= 1:  # else only its first thread has ended
        return True
    return started is not None and int(fields[19]) > started


def states_by_session() -> dict[int, dict[int, str]]:
    """The processes of this machine by their session (each run has one), each with its state (proc(5))."""
    found: dict[int, dict[int, str]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit() and (fields := _stat(entry)) is not None:
            found.setdefault(int(fields[3]), {})[int(entry)] = fields[0].decode()
    return found


def is_suspended(pid: int) -> bool:
    """Whether it stands still because of a signal, and goes on at SIGCONT; not one that a debugger holds."""
    fields = _stat(pid)
    return fields is not None and fields[0] == b"T"


def _stat(pid: int | str) -> list[bytes] | None:
    """The fields of /proc/<pid>/stat after the name, so state is 0, session 3 and starttime 19."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.read(descriptor, 2048).rpartition(b")")[2].split()
    except OSError:
        return None  # it ended between the two calls
    finally:
        os.close(descriptor)


def parent_of(pid: int) -> int:
    """Its process id; 0 when there is none."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def children() -> list[int]:
    """The direct children of this process, whichever of its threads made them."""
    found: list[int] = []
    for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 -- pathlib is not lean
        with contextlib.suppress(OSError):
            descriptor = os.open(f"/proc/self/task/{thread}/children", os.O_RDONLY)
            try:
                found += children_in(descriptor)
            finally:
                os.close(descriptor)
    return found


def children_in(descriptor: int) -> list[int]:
    """All that such a file of /proc names; one read gives a page of it, some 600 children."""
    text = os.pread(descriptor, _PAGE, 0)
    if len(text) > _PAGE // 2:
        while part := os.pread(descriptor, _PAGE, len(text)):
            text += part
    return [*map(int, text.split())]


def descendants(pid: int) -> list[int]:
    """All below that process that can be found now."""
    found: list[int] = []
    for thread in _names(f"/proc/{pid}/task"):
        for child in map(int, _read(f"/proc/{pid}/task/{thread}/children").split()):
            found += [child, *descendants(child)]
    return found


def environment_of(pid: int) -> list[bytes]:
    """Each NAME=VALUE that the process was started with; empty when unreadable, and for a zombie."""
    text = _read(f"/proc/{pid}/environ")
    if not text:  # perhaps its first thread has ended, which has taken its view of the memory along
        others = (thread for thread in _names(f"/proc/{pid}/task") if thread != str(pid))
        text = next(filter(None, (_read(f"/proc/{pid}/task/{other}/environ") for other in others)), b"")
    return text.split(b"\0")


def _names(folder: str) -> list[str]:
    """What is in a folder of /proc; nothing when that is gone."""
    try:
        return os.listdir(folder)  # noqa: PTH208
    except OSError:
        return []


def _read(path: str) -> bytes:
    """All of a file of /proc; nothing when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    text = b""
    try:
        while part := os.read(descriptor, 65536):
            text += part
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return text


class Lingering:
    """Since when which processes are being killed, so that one that cannot end is not waited for for ever."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: dict[tuple[int, int | None], float] = {}

    def may_end(self, pid: int) -> bool:
        """Whether it is worth waiting for the end of a process that is killed now, and was perhaps before."""
        return time.monotonic() - self.since(pid) < ENDS_WITHIN_S

    def since(self, pid: int, at_s: float | None = None) -> float:
        """When it was killed first: now, or `at_s`, unless it is known (monotonic)."""
        at_s = time.monotonic() if at_s is None else at_s
        return self._since.setdefault((pid, started_ticks(pid)), at_s)


def kill_group(group: int, signal_number: int) -> bool:
    """Signal a whole process group; whether there was one."""
    try:
        os.killpg(group, signal_number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
