"""Which instances run, and what becomes of each?

Callbacks of an event loop, one thread, no coroutines. The descriptors of all instances are in an epoll of
their own, which the loop watches as one: a start and an end cost the loop nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import select
import signal
from collections.abc import Callable
from pathlib import Path

from runner.execution import processes
from runner.execution.attempt import Attempt
from runner.execution.order import Ended, ErrorInfo, Order, Report, Usage
from runner.execution.protocol import ENDED, KILL, START, TERMINATE, Reply
from runner.execution.streams import open_streams
from runner.execution.workdirs import WorkingDirectories, remove_if_small, remove_tree
from runner.execution.zygotes import ZygoteProcess

_EVENTS = 128  # at once, then the loop's other work
_CLOSED_GRACE_S = 0.5  # a child that crashes closes its stream before its end is known
_STEP_GRACE_S = 10.0  # after a step's own timeout, for a child that cannot be interrupted
_SWEEP_S = 0.005
_IDLE_S = 60.0
_LAST_GRACE_S = 10.0
_NOTHING = Usage(0.0, 0)


class Supervisor:
    """Starts, watches and ends instances. Opened once per state directory; `close` ends everything.

    The process becomes the adopter of its orphans (PR_SET_CHILD_SUBREAPER), so that what a killed zygote
    leaves behind can be found.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        state: Path,
        report: Callable[[Report], None],
        idle_s: float = _IDLE_S,
    ) -> None:
        self._loop = loop
        self._report = report
        self._idle_s = idle_s
        self.mark = mark_of(state)
        self._tokens = itertools.count(1)
        self._attempts: dict[int, Attempt] = {}
        self._by_epoch: dict[tuple[int, int], int] = {}
        self._zygotes: dict[str, ZygoteProcess] = {}
        self._of: dict[int, ZygoteProcess] = {}  # token -> zygote
        self._idle_timers: dict[str, asyncio.TimerHandle] = {}
        self._leaving: list[ZygoteProcess] = []
        self._watched: dict[int, Callable[[int, int], None]] = {}
        self._closed = False
        self._workdirs = WorkingDirectories(state / "work")
        for folder in self._workdirs.left_over():
            loop.run_in_executor(None, remove_tree, folder)
        processes.adopt_orphans()
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._on_events)
        self._zygote("lean")

    @property
    def running(self) -> int:
        """How many instances are live."""
        return len(self._attempts)

    def start(self, order: Order) -> None:
        """Start an instance; every later word about it is a report, and Ended is the last one."""
        token = next(self._tokens)
        workdir = order.workdir
        try:
            if workdir is None:
                workdir = self._workdirs.take()
            line = order.encoded(self.mark, workdir)
            zygote = self._zygote(order.profile)
            ours, theirs = open_streams()
        except (OSError, ValueError, TypeError, RecursionError) as error:
            if order.workdir is None and workdir is not None:
                self._workdirs.give_back(workdir)
            self._refuse(order, error)
            return
        attempt = Attempt(order, token, workdir, ours, line, self._report)
        self._attempts[token] = attempt
        self._by_epoch[order.instance, order.epoch] = token
        self._of[token] = zygote
        zygote.tokens.add(token)
        control, out, err = ours
        everything_sent = attempt.send()
        self._watch(control, lambda _, event: self._on_control(attempt, event), not everything_sent)
        on_output = lambda fd, event: self._on_output(attempt, fd, event)  # noqa: E731
        self._watch(out, on_output)
        self._watch(err, on_output)
        if order.timeout_s is not None:
            self._later(attempt, order.timeout_s, self._time_out, attempt)
        self._request(zygote, START, token, theirs)

    def stop(self, instance: int, epoch: int, *, grace_s: float, why: str) -> None:
        """TERM to the whole group, KILL after the grace; nothing when it is already over.

        Asking again may shorten the grace. The first reason is the one that is reported.
        """
        token = self._by_epoch.get((instance, epoch))
        if token is not None:
            self._stop(self._attempts[token], grace_s, why)

    def acknowledge(self, instance: int, epoch: int, number: int) -> None:
        """A step's completion is durable: the child goes on."""
        token = self._by_epoch.get((instance, epoch))
        if token is not None:
            attempt = self._attempts[token]
            if attempt.control >= 0 and not attempt.acknowledge(number):
                self._epoll.modify(attempt.control, select.EPOLLIN | select.EPOLLOUT)

    def close(self) -> None:
        """Kill everything that runs, end the zygotes, and wait for both; nothing is reported any more."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._epoll.fileno())
        for timer in self._idle_timers.values():
            timer.cancel()
        zygotes = [*self._zygotes.values(), *self._leaving]
        for zygote in zygotes:
            zygote.close()
        for zygote in zygotes:
            zygote.wait(_LAST_GRACE_S)
        while self._kill_orphans():
            pass
        for attempt in self._attempts.values():
            attempt.drain()
            attempt.close()
            if attempt.order.workdir is None or not attempt.order.keep_workdir:
                remove_tree(attempt.workdir)
        self._workdirs.close()
        self._attempts.clear()
        self._by_epoch.clear()
        self._epoll.close()

    # -- what the descriptors say

    def _watch(
        self, descriptor: int, handler: Callable[[int, int], None], wants_to_send: bool = False
    ) -> None:
        self._watched[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN | (select.EPOLLOUT if wants_to_send else 0))

    def _forget(self, descriptor: int) -> None:
        if self._watched.pop(descriptor, None) is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(descriptor)

    def _on_events(self) -> None:
        for descriptor, event in self._epoll.poll(0, _EVENTS):
            handler = self._watched.get(descriptor)
            if handler is not None:  # else closed by an earlier event of the same round
                handler(descriptor, event)

    def _on_control(self, attempt: Attempt, event: int) -> None:
        if event & select.EPOLLOUT and attempt.send():
            self._epoll.modify(attempt.control, select.EPOLLIN)
        if not event & ~select.EPOLLOUT:
            return
        limit = attempt.step_limit_s
        if attempt.receive():
            if attempt.step_limit_s is not None and attempt.step_limit_s is not limit:
                limit_s = attempt.step_limit_s + _STEP_GRACE_S
                self._later(attempt, limit_s, self._time_out_step, attempt, attempt.step_limit_s)
            return
        if attempt.said_its_end and attempt.violation is None:
            del self._watched[attempt.control]
            attempt.close_control()
            return
        self._forget(attempt.control)
        if attempt.violation is not None:
            self._request(self._of[attempt.token], KILL, attempt.token)
        elif not attempt.said_its_end:
            self._later(attempt, _CLOSED_GRACE_S, self._on_closed, attempt)

    def _on_closed(self, attempt: Attempt) -> None:
        """It closed its control stream, and has not ended since."""
        attempt.violation = "broke the protocol: it closed its control stream"
        self._request(self._of[attempt.token], KILL, attempt.token)

    def _on_output(self, attempt: Attempt, descriptor: int, event: int) -> None:
        if not event & select.EPOLLIN:  # everyone who could write has ended, and all is read
            del self._watched[descriptor]
            attempt.close_output(descriptor)
            return
        if attempt.control in self._watched:
            self._on_control(attempt, select.EPOLLIN)  # so that the step is known that prints
        if descriptor in (attempt.out, attempt.err) and not attempt.read_output(descriptor):
            self._forget(descriptor)

    # -- ends

    def _later(
        self, attempt: Attempt, seconds: float, callback: Callable[..., None], *arguments: object
    ) -> None:
        attempt.timers.append(self._loop.call_later(seconds, callback, *arguments))

    def _time_out(self, attempt: Attempt) -> None:
        self._stop(attempt, attempt.order.grace_s, "timeout")

    def _time_out_step(self, attempt: Attempt, limit_s: float) -> None:
        if attempt.step_limit_s is limit_s:  # still in the step that has this limit
            self._stop(attempt, 0.0, "timeout")

    def _stop(self, attempt: Attempt, grace_s: float, why: str) -> None:
        if attempt.stop_why is None:
            attempt.stop_why = why
            if grace_s > 0:
                self._request(self._of[attempt.token], TERMINATE, attempt.token)
        if grace_s > 0:
            self._later(attempt, grace_s, self._kill, attempt)
        else:
            self._kill(attempt)

    def _kill(self, attempt: Attempt) -> None:
        self._request(self._of[attempt.token], KILL, attempt.token)

    def _refuse(self, order: Order, error: Exception) -> None:
        info = ErrorInfo(
            "not-started", f"it could not be started: {error}", retryable=isinstance(error, OSError)
        )
        ended = Ended(order.instance, order.epoch, "failed", info, {}, None, None, _NOTHING, 0)
        self._loop.call_soon(self._report, ended)

    def _finish(self, token: int, status: int | None, usage: Usage, refused: OSError | None = None) -> None:
        attempt = self._attempts.get(token)
        if attempt is None:
            return
        for descriptor in (attempt.control, attempt.out, attempt.err):
            self._watched.pop(descriptor, None)  # closing takes it out of the epoll
        ended, is_clean = attempt.ended(status, usage)
        if refused is not None:
            error = ErrorInfo("not-started", f"it could not be started: {refused.strerror}", retryable=True)
            ended = ended._replace(outcome="failed", error=error)
        if is_clean or self._settle_workdir(attempt):
            self._done(attempt, ended)
            return
        future = self._loop.run_in_executor(None, remove_tree, attempt.workdir)
        future.add_done_callback(lambda _: self._done(attempt, ended))

    def _settle_workdir(self, attempt: Attempt) -> bool:
        """Whether nothing is left to do about it."""
        if attempt.order.workdir is None:
            return self._workdirs.give_back(attempt.workdir) or remove_if_small(attempt.workdir)
        return attempt.order.keep_workdir or remove_if_small(attempt.workdir)

    def _done(self, attempt: Attempt, ended: Ended) -> None:
        if self._closed:
            return
        del self._attempts[attempt.token]
        zygote = self._of.pop(attempt.token)
        zygote.tokens.discard(attempt.token)
        key = attempt.instance, attempt.epoch
        if self._by_epoch.get(key) == attempt.token:
            del self._by_epoch[key]
        if zygote.profile != "lean" and not zygote.tokens and self._zygotes.get(zygote.profile) is zygote:
            timer = self._loop.call_later(self._idle_s, self._send_home, zygote)
            self._idle_timers[zygote.profile] = timer
        self._report(ended)

    # -- zygotes

    def _zygote(self, profile: str) -> ZygoteProcess:
        """The zygote of that profile, started if there is none."""
        if (timer := self._idle_timers.pop(profile, None)) is not None:
            timer.cancel()
        zygote = self._zygotes.get(profile)
        if zygote is None:
            zygote = self._zygotes[profile] = ZygoteProcess(profile, self.mark)
            self._watch(zygote.fileno(), lambda _, event: self._on_zygote(zygote, event))
        return zygote

    def _request(
        self, zygote: ZygoteProcess, kind: bytes, token: int, descriptors: tuple[int, ...] = ()
    ) -> None:
        if zygote.fileno() >= 0 and not zygote.request(kind, token, descriptors):
            self._epoll.modify(zygote.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def _on_zygote(self, zygote: ZygoteProcess, event: int) -> None:
        if event & select.EPOLLOUT and zygote.flush():
            self._epoll.modify(zygote.fileno(), select.EPOLLIN)
        if not event & ~select.EPOLLOUT:
            return
        replies = zygote.replies()
        if replies is None:
            self._on_zygote_death(zygote)
            return
        for reply in replies:
            self._on_reply(reply)

    def _on_reply(self, reply: Reply) -> None:
        if reply.kind == ENDED:
            self._finish(reply.token, reply.status, Usage(reply.cpu_us / 1e6, reply.max_rss_kib << 10))
        else:
            self._finish(reply.token, None, _NOTHING, OSError(reply.status, os.strerror(reply.status)))

    def _send_home(self, zygote: ZygoteProcess) -> None:
        """End a zygote that nobody has needed for a while."""
        self._idle_timers.pop(zygote.profile, None)
        del self._zygotes[zygote.profile]
        self._forget(zygote.fileno())
        zygote.close()
        self._leaving = [other for other in (*self._leaving, zygote) if not other.has_ended()]

    def _on_zygote_death(self, zygote: ZygoteProcess) -> None:
        """It was killed or broke: end what it started, then report that, then there may be a new one."""
        self._forget(zygote.fileno())
        zygote.close()
        zygote.kill()
        if self._zygotes.get(zygote.profile) is zygote:
            del self._zygotes[zygote.profile]
        self._sweep(zygote, sorted(zygote.tokens))

    def _sweep(self, zygote: ZygoteProcess, tokens: list[int]) -> None:
        if self._closed:
            return
        for token in tokens:
            attempt = self._attempts.get(token)
            if (
                attempt is not None
                and attempt.pid
                and not processes.is_gone(attempt.pid, attempt.pid_started)
            ):
                processes.kill_group(attempt.pid, signal.SIGKILL)
        if self._kill_orphans():
            self._loop.call_later(_SWEEP_S, self._sweep, zygote, tokens)
            return
        for token in tokens:
            self._finish(token, None, _NOTHING)

    def _kill_orphans(self) -> bool:
        """Kill and collect what fell to this process from a dead zygote; whether there was something."""
        known = {zygote.pid for zygote in (*self._zygotes.values(), *self._leaving)}
        pids = {attempt.pid for attempt in self._attempts.values() if attempt.pid}
        found = False
        for pid in processes.children():
            if pid in known:
                continue
            if pid in pids or processes.session_of(pid) in pids or processes.has_mark(pid, self.mark):
                found = True
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return found


def mark_of(state: Path) -> str:
    """What marks every process that belongs to this state directory."""
    return hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
