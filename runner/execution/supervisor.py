"""Which instances run, and what becomes of each?

Callbacks of an event loop, one thread, no coroutines.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from runner.execution import processes
from runner.execution.attempt import Attempt
from runner.execution.deadlines import LONG_PERFORM_S, Deadlines
from runner.execution.hearing import Hearing
from runner.execution.marks import mark_of
from runner.execution.order import NO_TARGET, Ended, ErrorInfo, Order, Report, Usage
from runner.execution.protocol import ENDED, LEFT, Reply
from runner.execution.spares import Spares
from runner.execution.stopping import Stopping
from runner.execution.streams import Streams, open_streams
from runner.execution.watches import Watches
from runner.execution.workdirs import WorkingDirectories, remove_if_small, remove_tree
from runner.execution.zygotes import Zygotes

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
        self.mark = mark_of(state)
        self._tokens = itertools.count(1)
        self._attempts: dict[int, Attempt] = {}
        self._by_epoch: dict[tuple[int, int, str], Attempt] = {}
        self._closed = False
        self._workdirs = WorkingDirectories(state / "work")
        for folder in self._workdirs.left_over():
            loop.run_in_executor(None, remove_tree, folder)
        processes.adopt_orphans()
        self._watches = Watches(loop, reported)
        self.zygotes = Zygotes(
            loop,
            self._watches,
            mark=self.mark,
            idle_s=idle_s,
            replied=self._on_reply,
            kill=self._kill,
            died=self._died,
        )
        self._spares = Spares(loop, self.zygotes, self._tokens)
        self._stopping = Stopping(loop, self.zygotes)
        self._deadlines = Deadlines(loop, self._stopping.time_is_over, long_perform_s)
        self._hearing = Hearing(loop, self._watches, self.zygotes, self._deadlines, self._stopping)

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

    def start(self, order: Order, *, is_again: bool = False) -> None:
        """Start an instance; every later word about it is a report, and Ended is the last one.

        `is_again`: in a child of its own, after another one ended before it did anything.
        """
        workdir = order.workdir
        try:
            if workdir is None:
                workdir = self._workdirs.take()
            line = order.encoded(self.mark, workdir)
            spare = None if is_again else self._spares.take(order.profile)
            token, ours = spare or self._fork(order.profile)
        except (OSError, ValueError, TypeError, RecursionError) as error:
            if order.workdir is None and workdir is not None:
                self._workdirs.give_back(workdir)
            self._refuse(order, error)
            return
        was_spare = spare is not None
        attempt = Attempt(
            order, token, workdir, ours, line, self._report, was_spare=was_spare, is_again=is_again
        )
        self._attempts[token] = attempt
        self._by_epoch[order.instance, order.epoch, order.target] = attempt
        self._hearing.begin(attempt)
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
        attempt = self._by_epoch.get((instance, epoch, target))
        if attempt is not None:
            self._stopping.stop(attempt, grace_s, why)

    def pause(self, instance: int, epoch: int, target: str = NO_TARGET) -> None:
        """Let it end once the step or checkpoint that it is at is durable; reported as stopped, `pause`.

        Nothing is interrupted for it but a sleep of code that makes checkpoints, and until it obeys `go_on`
        takes it back.
        """
        attempt = self._by_epoch.get((instance, epoch, target))
        if attempt is not None:
            self._stopping.pause(attempt)

    def go_on(self, instance: int, epoch: int, target: str = NO_TARGET) -> None:
        """Take a `pause` back; nothing when it has been obeyed."""
        attempt = self._by_epoch.get((instance, epoch, target))
        if attempt is not None:
            attempt.to_pause = False

    def is_shielded(self, instance: int, epoch: int, target: str = NO_TARGET) -> bool:
        """Whether it is in a step that a stop lets end first."""
        attempt = self._by_epoch.get((instance, epoch, target))
        return attempt is not None and attempt.shielded

    def acknowledge(self, instance: int, epoch: int, number: int, target: str = NO_TARGET) -> None:
        """A step's completion is durable: the child goes on, unless it is to pause here."""
        attempt = self._by_epoch.get((instance, epoch, target))
        if attempt is None:
            return
        if attempt.to_pause and attempt.stop_why is None and self._stopping.at_a_boundary(attempt):
            return
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
        attempt = self._by_epoch.get((instance, epoch, target))
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

    # -- ends

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
        for descriptor in (attempt.control, attempt.output.out, attempt.output.err):
            self._watches.drop(descriptor)
        ended, is_clean = attempt.ended(status, usage)
        if attempt.ended_unused(with_its_zygote=status is None and refused is None):
            self._settle_workdir(attempt)
            self._forget(attempt)
            self.start(attempt.order, is_again=True)
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
        self.zygotes.forget(attempt.token)
        key = attempt.instance, attempt.epoch, attempt.target
        if self._by_epoch.get(key) is attempt:
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

    def _kill(self, token: int) -> None:
        """What its dead zygote can kill no more."""
        attempt = self._attempts.get(token)
        if attempt is None or not attempt.pid or processes.is_gone(attempt.pid, attempt.pid_started):
            return
        processes.kill_group(attempt.pid, signal.SIGKILL)

    def _died(self, token: int) -> None:
        """Nobody knows how: its zygote could not tell."""
        self._finish(token, None, _NOTHING)
