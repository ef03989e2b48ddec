"""Which processes belong to an instance, and are they all gone?

Linux only: prctl through ctypes, and /proc. Lean, because the zygote imports it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import time
from collections.abc import Iterable, Mapping

MARK = "RUNNER_MARK"
"""Environment name that every process of this state directory carries, so that a later daemon finds them."""

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


def marks_of(pid: int) -> Mapping[bytes, bytes]:
    """The RUNNER_ names in the environment that the process was started with; empty when unreadable."""
    text = _read(f"/proc/{pid}/environ") or _environment_of_threads(pid)
    pairs = (entry.partition(b"=") for entry in text.split(b"\0") if entry.startswith(b"RUNNER_"))
    return {name: value for name, _, value in pairs}


def _environment_of_threads(pid: int) -> bytes:
    """For a process whose first thread has ended, which has taken its view of the memory along."""
    threads = _names(f"/proc/{pid}/task")
    others = (_read(f"/proc/{pid}/task/{thread}/environ") for thread in threads if thread != str(pid))
    return next(filter(None, others), b"")


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


def has_mark(pid: int, mark: str) -> bool:
    """Whether the process carries the mark (a zombie carries none)."""
    return marks_of(pid).get(MARK.encode()) == mark.encode()


def marked(mark: str) -> list[int]:
    """Every process of this machine that carries the mark, but for this one and its ancestors."""
    mine = _with_ancestors(os.getpid())
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdigit() and int(entry) not in mine and has_mark(int(entry), mark):
            found.append(int(entry))
    return found


def _with_ancestors(pid: int) -> set[int]:
    chain = set()
    while pid > 0 and pid not in chain:
        chain.add(pid)
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    return chain


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
        descriptors = kill_all(left)
        wait_for_end(descriptors)


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


def kill_all(pids: Iterable[int]) -> list[int]:
    """signal.SIGKILL through process descriptors, which name a process even when its number is used again."""
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


def wait_for_end(descriptors: Iterable[int], timeout_s: float = 1.0) -> None:
    """Wait until the processes ended, at most `timeout_s` each, and close the descriptors."""
    import select

    for descriptor in descriptors:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(timeout_s * 1000)
        os.close(descriptor)


def kill_group(group: int, signal_number: int) -> bool:
    """Signal a whole process group; whether there was one."""
    try:
        os.killpg(group, signal_number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def apply_limits(limits: Mapping[str, int]) -> None:
    """Limit this process and what it starts: `memory` in bytes of address space, `cpu` in seconds of each
    process, `open_files`, `processes` (of the user, whose other ones count too), `nice`, `umask`.
    """
    if memory := limits.get("memory"):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    if cpu := limits.get("cpu"):
        # SIGXCPU at the soft limit names the cause; signal.SIGKILL at the hard one cannot be caught.
        resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    if open_files := limits.get("open_files"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))
    if processes := limits.get("processes"):
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
    if (nice := limits.get("nice")) is not None:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if (umask := limits.get("umask")) is not None:
        os.umask(umask)


def become(uid: int, gid: int, groups: list[int]) -> None:
    """Be another user from now on, for good; only root can. Still ends with the parent."""
    parent = os.getppid()
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    die_with_parent(signal.SIGKILL)  # the kernel forgets it when credentials change
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def forbid_new_privileges() -> None:
    """From now on no program that this process or its children start gains rights: set-user-ID bits and file
    capabilities count for nothing (prctl(2)). It cannot be taken back."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def processes_of(uid: int) -> int:
    """How many processes and threads that user has now: the kernel's limit counts them all."""
    count = 0
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{entry}").st_uid == uid:  # noqa: PTH116
                count += len(os.listdir(f"/proc/{entry}/task"))  # noqa: PTH208
    return count
