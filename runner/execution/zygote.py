"""Who forks the children, and how is it made sure that nothing of them is left?

One thread, few imports, memory frozen before the first fork: a fork copies page tables, so every MiB here is
paid for at every start.

The zygote adopts every orphan of its children (it is a child subreaper, and each child is one for its own
descendants while it lives). So a child of the zygote that it did not fork is left over from an instance
that ended: it is killed on sight, whatever session or environment it gave itself. An instance is reported
as ended only when no such leftover and no process of its group exists, but for those that were killed and
cannot end: they do nothing any more, and are waited for no longer than ENDS_WITHIN_S.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import socket
import struct
import sys
from errno import EMFILE
from os import close, fork, getppid, read, wait4, waitid
from struct import error as StructError
from time import monotonic
from typing import NoReturn

from runner.execution.child.harness import live
from runner.execution.child.interruption import INTERRUPTION, NO_SHIELD, PAUSE_WANTED
from runner.execution.holes import fill_holes
from runner.execution.processes import (
    ENDS_WITHIN_S,
    Lingering,
    adopt_orphans,
    children_in,
    descendants,
    die_with_parent,
    forbid_new_privileges,
    kill_group,
)
from runner.execution.protocol import (
    AHEAD,
    ASK,
    ENDED,
    HINT,
    INSIST,
    KILL,
    LEFT,
    NOT_STARTED,
    REPLY,
    REQUEST,
    START,
)
from runner.execution.rehearsal import rehearse, rehearse_everything

LEAN = ("runner.execution.actions.python", "runner.execution.actions.shell", "runner.execution.child.spawn")
DATA = ("sqlalchemy", "duckdb", "runner.execution.actions.sql", "runner.execution.actions.copy")
_SETTLE_MS = 2
"""How soon to look again while killed processes are still going."""
_LINGERS_MS = 500
"""The same while a child does not end that was killed."""
_UNSEEN_S = 1.0
"""An end is seen that much later at most than the orphans that come with it."""

# Every object that is used between two forks is a page that is copied after each of them. So: plain numbers
# instead of enums, and names bound once.
_SEND = int(socket.MSG_DONTWAIT)
_RECEIVE = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
_REQUEST_SIZE = REQUEST.size
_unpack_request, _pack_reply = REQUEST.unpack, REPLY.pack
_unpack_descriptors = struct.Struct("=iii").unpack
_P_ALL, _LOOK = os.P_ALL, os.WEXITED | os.WNOWAIT | os.WNOHANG
_SIGKILL = int(signal.SIGKILL)


class Zygote:
    """Forks on request, reaps, cleans up, reports."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._receive_request, self._send_reply = requests.recvmsg, requests.send
        self._pid = os.getpid()
        self._parent = os.getppid()
        self._pids: dict[int, int] = {}  # token -> pid
        self._tokens: dict[int, int] = {}  # pid -> token
        self._ended: dict[int, tuple[bytes, float]] = {}  # pid -> what to report, and since
        self._killed: dict[int, float] = {}  # pid -> since when: they should have ended
        self._lingering = Lingering()
        self._replies: list[bytes] = []
        self._children = os.open(f"/proc/self/task/{self._pid}/children", os.O_RDONLY | os.O_CLOEXEC)
        self._oom_score_was_changed = _oom_score() not in ("0", "")
        self._wakeup, wakeup = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        # TERM stays blocked here: the zygote ends with its supervisor, and a child that is told to stop
        # before it is ready finds the signal waiting.
        INTERRUPTION.prepare(self._pid)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        forbid_new_privileges()
        adopt_orphans()
        die_with_parent(signal.SIGHUP)

    def serve(self) -> None:
        """Until the supervisor is gone; then end everything that was started."""
        poll = select.poll()
        poll.register(self._requests, select.POLLIN)
        poll.register(self._wakeup, select.POLLIN)
        requests = self._requests.fileno()
        while True:
            soon = _SETTLE_MS if self._ended or self._replies else _LINGERS_MS if self._killed else None
            for descriptor, _ in poll.poll(soon):
                if descriptor == requests:
                    if not self._receive():
                        return
                else:
                    read(self._wakeup, 4096)
                    self._reap()
            if getppid() != self._parent:
                return
            if self._killed:
                self._give_up()
            if self._ended:
                self._settle()
            if self._replies:
                self._report()

    def _receive(self) -> bool:
        """Do what was asked; False when nobody will ask any more."""
        try:
            data, ancillary, _, _ = self._receive_request(_REQUEST_SIZE, 64, _RECEIVE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        try:
            kind, token = _unpack_request(data)
        except StructError:
            return False
        if ancillary:
            passed = ancillary[0][2]
            try:
                control, out, err = _unpack_descriptors(passed)
            except StructError:  # there is room for some of them only
                for (descriptor,) in struct.iter_unpack("=i", passed):
                    close(descriptor)
                self._replies.append(_pack_reply(NOT_STARTED, token, EMFILE, 0, 0))
                return True
            try:
                pid = fork()
            except OSError as error:
                self._replies.append(_pack_reply(NOT_STARTED, token, error.errno or 0, 0, 0))
            else:
                if pid == 0:
                    get_ready = rehearse if kind == AHEAD else None
                    live(control, out, err, self._pid, self._oom_score_was_changed, get_ready)
                self._pids[token] = pid
                self._tokens[pid] = token
            close(control)
            close(out)
            close(err)
        elif kind in (START, AHEAD):  # no room for any of its descriptors
            self._replies.append(_pack_reply(NOT_STARTED, token, EMFILE, 0, 0))
        elif token in self._pids:
            _signal(kind, self._pids[token])
            if kind == KILL:
                self._killed.setdefault(self._pids[token], monotonic())
        return True

    def _reap(self) -> None:
        """Collect every child that ended, killing the rest of its group while the number is still its own."""
        while True:
            try:
                found = waitid(_P_ALL, 0, _LOOK)
            except ChildProcessError:
                break
            if found is None:
                break
            pid = found.si_pid
            token = self._tokens.pop(pid, None)
            if token is not None:
                kill_group(pid, _SIGKILL)
            _, status, usage = wait4(pid, 0)
            if token is not None:
                del self._pids[token]
                if self._killed:
                    self._killed.pop(pid, None)
                cpu_us = round((usage.ru_utime + usage.ru_stime) * 1e6)
                self._ended[pid] = _pack_reply(ENDED, token, status, cpu_us, usage.ru_maxrss), monotonic()

    def _settle(self) -> None:
        """Report what ended, once nothing of it is left that can end.

        Orphans come here when the child that they are of has ended: what was here before is of another one.
        """
        left = self._kill_leftovers()
        for pid, (reply, since) in [*self._ended.items()]:
            its = [other for other, killed in left.items() if killed > since - _UNSEEN_S] if left else ()
            is_left = kill_group(pid, _SIGKILL) or its
            if is_left and monotonic() - since < ENDS_WITHIN_S:
                continue
            if its:
                self._replies.append(_pack_reply(LEFT, REPLY.unpack(reply)[1], its[0], 0, 0))
            self._replies.append(reply)
            del self._ended[pid]

    def _kill_leftovers(self) -> dict[int, float]:
        """Kill every child that was not forked here; when each was first."""
        left: dict[int, float] = {}
        for pid in children_in(self._children):
            if pid not in self._tokens:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, _SIGKILL)
                left[pid] = self._lingering.since(pid)
        return left

    def _give_up(self) -> None:
        """Report as ended what was killed and cannot end, when nothing else of it is left."""
        for pid, since in [*self._killed.items()]:
            if monotonic() - since < ENDS_WITHIN_S:
                continue
            for other in descendants(pid):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(other, signal.SIGKILL)
            del self._killed[pid]
            token = self._tokens.pop(pid)
            del self._pids[token]
            self._lingering.since(pid, 0.0)  # nobody waits for it any more
            self._replies.append(_pack_reply(LEFT, token, pid, 0, 0))
            self._replies.append(_pack_reply(ENDED, token, _SIGKILL, 0, 0))

    def _report(self) -> None:
        while self._replies:
            try:
                self._send_reply(self._replies[0], _SEND)
            except BlockingIOError:
                break  # the supervisor is busy; it will be tried again at the next event
            except OSError:
                break
            del self._replies[0]

    def end_everything(self) -> None:
        """Kill every child, its group, and what they left, until there is nothing that can end."""
        for pid in self._tokens:
            kill_group(pid, signal.SIGKILL)
        self._tokens.clear()
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        until = monotonic() + ENDS_WITHIN_S
        while self._kill_leftovers() and monotonic() < until:
            poll.poll(_SETTLE_MS)
            with contextlib.suppress(BlockingIOError):
                read(self._wakeup, 4096)
            self._reap()


def _signal(kind: bytes, pid: int) -> None:
    if kind in (ASK, HINT):
        os.kill(pid, signal.SIGTERM if kind == ASK else PAUSE_WANTED)
        return
    if kind == INSIST:
        os.kill(pid, NO_SHIELD)
    number = signal.SIGKILL if kind == KILL else signal.SIGTERM
    if not kill_group(pid, number):
        os.kill(pid, number)  # it was forked a moment ago, and has not made its group yet


def _do_nothing(_signal: int, _frame: object) -> None:
    """A handler, so that the signal wakes the poll."""


def _oom_score() -> str:
    try:
        with open("/proc/self/oom_score_adj", encoding="ascii") as file:  # noqa: PTH123 -- pathlib is not lean
            return file.read().strip()
    except OSError:
        return ""


def preload(profile: str) -> None:
    """Import what every child of this profile needs, so that no child has to."""
    for module in LEAN if profile == "lean" else (*LEAN, *DATA):
        with contextlib.suppress(ImportError):  # a step that needs it says so itself
            __import__(module)


def main(arguments: list[str]) -> NoReturn:
    """`zygote <descriptor> <profile>`: serve until the other end is closed."""
    requests = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=int(arguments[0]))
    requests.set_inheritable(False)
    os.environ.clear()
    preload(arguments[1])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    rehearse_everything()
    zygote = Zygote(requests)
    gc.disable()
    gc.collect()
    _taken = fill_holes()  # for as long as this runs
    gc.freeze()
    try:
        zygote.serve()
    finally:
        zygote.end_everything()
    os._exit(0)
