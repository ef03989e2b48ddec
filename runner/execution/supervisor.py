"""Which instances run, and what becomes of each?

Callbacks of an event loop, one thread, no coroutines.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import select
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.execution import processes
from runner.execution.attempt import Attempt
from runner.execution.deadlines import LONG_PERFORM_S, Deadlines
from runner.execution.order import NO_TARGET, Ended, ErrorInfo, Order, Report, Usage
from runner.execution.protocol import ASK, ENDED, HINT, INSIST, KILL, LEFT, TERMINATE, Reply
from runner.execution.spares import Spares
from runner.execution.streams import Streams, open_streams
from runner.execution.verdict import PAUSE
from runner.execution.watches import Watches
from runner.execution.workdirs import WorkingDirectories, remove_if_small, remove_tree
from runner.execution.zygotes import Zygotes

_CLOSED_GRACE_S = 0.5  # a child that crashes closes its stream before its end is known
_SWEEP_S = 0.005
_IDLE_S = 60.0
_NOTHING = Usage(0.0, 0)


class Supervisor:
    """Starts, watches and ends instances and targets. Opened once per state directory; `close` ends all.

    `reported` is called after the reports of one look at what the children say.

    The process becomes the adopter of its orphans (PR_SET_CHILD_SUBREAPER), so that what a killed zygote
    leaves behind can be found.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        state: Path,
        report: Callable[[Report], None],
        reported: Callable[[], None] = lambda: None,
        idle_s: float = _IDLE_S,
        long_perform_s: float = LONG_PERFORM_S,
    ) -> None:
        self._loop = loop
        self._report = report
        self._deadlines = Deadlines(loop, self._end, long_perform_s)
        self.mark = mark_of(state)
        self._tokens = itertools.count(1)
        self._attempts: dict[int, Attempt] = {}
        self._by_epoch: dict[tuple[int, int, str], int] = {}
        self._to_pause: set[int] = set()
        self._closed = False
        self._workdirs = WorkingDirectories(state / "work")
        for folder in self._workdirs.left_over():
            loop.run_in_executor(None, remove_tree, folder)
        processes.adopt_orphans()
        self._watches = Watches(loop, reported)
        self.zygotes = Zygotes(
            loop, self._watches, mark=self.mark, idle_s=idle_s, replied=self._on_reply, died=self._sweep
        )
        self._spares = Spares(loop, self.zygotes, self._tokens)

    @property
    def running(self) -> int:
        """How many instances are live."""
        return len(self._attempts)

    @property
    def uninterruptible(self) -> int:
        """How many live instances are in a step that a stop lets end first."""
        return sum(attempt.shielded for attempt in self._attempts.values())

    def shielded(self) -> list[Attempt]:
        """The attempts that are in such a step."""
        return [attempt for attempt in self._attempts.values() if attempt.shielded]

    def start(self, order: Order) -> None:
        """Start an instance; every later word about it is a report, and Ended is the last one."""
        self._start(order)

    def _start(self, order: Order, *, may_be_spare: bool = True) -> None:
        workdir = order.workdir
        try:
            if workdir is None:
                workdir = self._workdirs.take()
            line = order.encoded(self.mark, workdir)
            spare = self._spares.take(order.profile) if may_be_spare else None
            token, ours = spare or self._fork(order.profile)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            if order.workdir is None and workdir is not None:
                self._workdirs.give_back(workdir)
            self._refuse(order, error)
            return
        attempt = Attempt(order, token, workdir, ours, line, self._report, spare is not None)
        self._attempts[token] = attempt
        self._by_epoch[order.instance, order.epoch, order.target] = token
        control, out, err = ours
        everything_sent = attempt.send()
        self._watches.add(control, lambda _, event: self._on_control(attempt, event), not everything_sent)
        on_output = lambda fd, event: self._on_output(attempt, fd, event)  # noqa: E731
        self._watches.add(out, on_output)
        self._watches.add(err, on_output)
        if order.timeout_s is not None:
            self._deadlines.of_attempt(attempt, order.timeout_s)

    def _fork(self, profile: str) -> tuple[int, Streams]:
        """A new child, which waits for its order; OSError when there cannot be one."""
        zygote = self.zygotes.ready(profile)
        ours, theirs = open_streams()
        token = next(self._tokens)
        self.zygotes.start(zygote, token, theirs)
        return token, ours

    def stop(self, instance: int, epoch: int, *, grace_s: float, why: str, target: str = NO_TARGET) -> None:
        """TERM to the whole group, KILL after the grace; nothing when it is already over.

        A step with `interruptible: false` is let end first, unless there is no grace: that is a kill. Asking
        again may shorten the grace. The first reason is the one that is reported.
        """
        token = self._by_epoch.get((instance, epoch, target))
        if token is not None:
            self._stop(self._attempts[token], grace_s, why)

    def pause(self, instance: int, epoch: int, target: str = NO_TARGET) -> None:
        """Let it end once the step or checkpoint that it is at is durable; reported as stopped, `pause`.

        Nothing is interrupted for it but a sleep of code that makes checkpoints, and until it obeys `go_on`
        takes it back.
        """
        token = self._by_epoch.get((instance, epoch, target))
        if token is not None:
            self._to_pause.add(token)
            attempt = self._attempts[token]
            if attempt.performing_since_s is not None:
                attempt.hinted = True
                self.zygotes.request(HINT, token)

    def go_on(self, instance: int, epoch: int, target: str = NO_TARGET) -> None:
        """Take a `pause` back; nothing when it has been obeyed."""
        self._to_pause.discard(self._by_epoch.get((instance, epoch, target), 0))

    def is_shielded(self, instance: int, epoch: int, target: str = NO_TARGET) -> bool:
        """Whether it is in a step that a stop lets end first."""
        token = self._by_epoch.get((instance, epoch, target))
        return token is not None and self._attempts[token].shielded

    def acknowledge(self, instance: int, epoch: int, number: int, target: str = NO_TARGET) -> None:
        """A step's completion is durable: the child goes on, unless it is to pause here."""
        token = self._by_epoch.get((instance, epoch, target))
        if token is not None:
            attempt = self._attempts[token]
            if token in self._to_pause and attempt.stop_why is None:
                self._stop(attempt, attempt.order.grace_s, PAUSE)
                if attempt.performing_since_s is None:
                    return  # else its code is told with the acknowledgement, and ends by itself
            if attempt.control >= 0 and not attempt.acknowledge(number):
                self._watches.wants_to_send(attempt.control)

    def answer(
        self,
        instance: int,
        epoch: int,
        number: int,
        items: Sequence[Mapping[str, Any]],
        target: str = NO_TARGET,
    ) -> None:
        """Items for code that asked for them, or none."""
        token = self._by_epoch.get((instance, epoch, target))
        attempt = None if token is None else self._attempts[token]
        if attempt is not None and attempt.control >= 0 and not attempt.answer(number, items):
            self._watches.wants_to_send(attempt.control)

    def close(self) -> None:
        """Kill everything that runs, end the zygotes, and wait for both; nothing is reported any more."""
        if self._closed:
            return
        self._closed = True
        self._watches.pause()
        self._spares.close()
        self.zygotes.close()
        for attempt in self._attempts.values():
            attempt.drain()
            attempt.close()
            if attempt.order.workdir is None or not attempt.order.keep_workdir:
                remove_tree(attempt.workdir)
        self._workdirs.close()
        self._attempts.clear()
        self._by_epoch.clear()
        self._watches.close()

    # -- what the descriptors say

    def _on_control(self, attempt: Attempt, event: int) -> None:
        if event & select.EPOLLOUT and attempt.send():
            self._watches.wants_to_send(attempt.control, False)
        if not event & ~select.EPOLLOUT:
            return
        limit = attempt.step_limit_s
        if attempt.receive():
            if attempt.performing_since_s is not None and not attempt.watched:
                attempt.watched = True
                self._deadlines.of_performs(attempt)
            if attempt.step_limit_s is not None and attempt.step_limit_s is not limit:
                self._deadlines.of_step(attempt, attempt.step_limit_s)
            if attempt.waiting_grace_s is not None and not attempt.shielded:
                self._later(attempt, attempt.waiting_grace_s, self._kill, attempt, attempt.waiting_grace_s)
                attempt.waiting_grace_s = None
            return
        if attempt.said_its_end and attempt.violation is None:
            self._watches.drop(attempt.control)
            attempt.close_control()
            return
        self._watches.remove(attempt.control)
        if attempt.violation is not None:
            self.zygotes.request(KILL, attempt.token)
        elif not attempt.said_its_end:
            self._later(attempt, _CLOSED_GRACE_S, self._on_closed, attempt)

    def _on_closed(self, attempt: Attempt) -> None:
        """It closed its control stream, and has not ended since."""
        attempt.violation = "broke the protocol: it closed its control stream"
        self.zygotes.request(KILL, attempt.token)

    def _on_output(self, attempt: Attempt, descriptor: int, event: int) -> None:
        if not event & select.EPOLLIN:  # everyone who could write has ended, and all is read
            self._watches.drop(descriptor)
            attempt.close_output(descriptor)
            return
        if attempt.control in self._watches:
            number = attempt.number
            self._on_control(attempt, select.EPOLLIN)  # so that the step is known that prints
            if attempt.number != number:
                return  # the next step may print by now; what there is to read is told again
        if descriptor in (attempt.out, attempt.err) and not attempt.read_output(descriptor):
            self._watches.remove(descriptor)

    # -- ends

    def _later(
        self, attempt: Attempt, seconds: float, callback: Callable[..., None], *arguments: object
    ) -> None:
        attempt.timers.append(self._loop.call_later(seconds, callback, *arguments))

    def _end(self, attempt: Attempt, grace_s: float, why: str) -> None:
        """Its time is over, also for a step that is not to be interrupted."""
        self._stop(attempt, grace_s, why, waits=False)

    def _stop(self, attempt: Attempt, grace_s: float, why: str, *, waits: bool = True) -> None:
        """`waits`: for the end of a step that is not to be interrupted."""
        is_first = attempt.stop_why is None
        if is_first or (attempt.shielded and not waits):
            attempt.stop_why = why
        if grace_s <= 0:
            self.zygotes.request(KILL, attempt.token)
        elif not waits:
            self.zygotes.request(INSIST, attempt.token)
            self._later(attempt, grace_s, self.zygotes.request, KILL, attempt.token)
        else:
            if is_first:
                self.zygotes.request(ASK if attempt.may_be_shielded else TERMINATE, attempt.token)
            self._later(attempt, grace_s, self._kill, attempt, grace_s)

    def _kill(self, attempt: Attempt, grace_s: float) -> None:
        """After the grace; it begins anew at the end of a step that is not to be interrupted."""
        if attempt.shielded:
            attempt.waiting_grace_s = grace_s
        else:
            self.zygotes.request(KILL, attempt.token)

    def _refuse(self, order: Order, error: Exception) -> None:
        info = ErrorInfo(
            "not-started", f"it could not be started: {error}", retryable=isinstance(error, OSError)
        )
        ended = Ended(order.instance, order.epoch, "failed", info, {}, None, _NOTHING, 0, order.target)
        self._loop.call_soon(self._report, ended)

    def _finish(self, token: int, status: int | None, usage: Usage, refused: OSError | None = None) -> None:
        attempt = self._attempts.get(token)
        if attempt is None:
            self._spares.ended(token)
            return
        for descriptor in (attempt.control, attempt.out, attempt.err):
            self._watches.drop(descriptor)
        ended, is_clean = attempt.ended(status, usage)
        if attempt.died_waiting:
            self._settle_workdir(attempt)
            self._forget(attempt)
            self._start(attempt.order, may_be_spare=False)
            return
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
        self._forget(attempt)
        self._report(ended)

    def _forget(self, attempt: Attempt) -> None:
        del self._attempts[attempt.token]
        self._to_pause.discard(attempt.token)
        self.zygotes.forget(attempt.token)
        key = attempt.instance, attempt.epoch, attempt.target
        if self._by_epoch.get(key) == attempt.token:
            del self._by_epoch[key]

    # -- zygotes

    def _on_reply(self, reply: Reply) -> None:
        if reply.kind == ENDED:
            self._finish(reply.token, reply.status, Usage(reply.cpu_us / 1e6, reply.max_rss_kib << 10))
        elif reply.kind == LEFT:
            if (attempt := self._attempts.get(reply.token)) is not None:
                attempt.left_behind(reply.status)
        else:
            self._finish(reply.token, None, _NOTHING, OSError(reply.status, os.strerror(reply.status)))

    def _sweep(self, tokens: list[int], until_s: float | None = None) -> None:
        """End what a dead zygote had started; report it when nothing of it is left that can end."""
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
        until_s = until_s or self._loop.time() + processes.ENDS_WITHIN_S
        if self.zygotes.kill_orphans() and self._loop.time() < until_s:
            self._loop.call_later(_SWEEP_S, self._sweep, tokens, until_s)
            return
        for token in tokens:
            self._finish(token, None, _NOTHING)


def mark_of(state: Path) -> str:
    """What marks every process that belongs to this state directory."""
    return hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
