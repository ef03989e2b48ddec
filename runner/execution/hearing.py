"""What comes on the streams of an attempt, and what follows from it at once?"""

from __future__ import annotations

import asyncio
import select

from runner.execution.attempt import Attempt
from runner.execution.deadlines import Deadlines
from runner.execution.protocol import KILL
from runner.execution.stopping import Stopping
from runner.execution.watches import Watches
from runner.execution.zygotes import Zygotes

_CLOSED_GRACE_S = 0.5  # a child that crashes closes its stream before its end is known


class Hearing:
    """Hands what comes to its attempt, in the order in which the child said and printed it. What follows is a
    timer or a signal: one that breaks the protocol is killed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watches: Watches,
        zygotes: Zygotes,
        deadlines: Deadlines,
        stopping: Stopping,
    ) -> None:
        self._loop = loop
        self._watches = watches
        self._zygotes = zygotes
        self._deadlines = deadlines
        self._stopping = stopping

    def begin(self, attempt: Attempt) -> None:
        """Send it its order, and listen to it until its streams are closed."""
        everything_sent = attempt.send()
        on_control = lambda _, event: self._on_control(attempt, event)  # noqa: E731
        on_output = lambda descriptor, event: self._on_output(attempt, descriptor, event)  # noqa: E731
        self._watches.add(attempt.control, on_control, not everything_sent)
        self._watches.add(attempt.output.out, on_output)
        self._watches.add(attempt.output.err, on_output)

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
                self._stopping.shield_is_gone(attempt, attempt.waiting_grace_s)
            return
        if attempt.said_its_end and attempt.violation is None:
            self._watches.drop(attempt.control)
            attempt.close_control()
            return
        self._watches.remove(attempt.control)
        if attempt.violation is not None:
            self._zygotes.request(KILL, attempt.token)
        elif not attempt.said_its_end:
            attempt.later(self._loop, _CLOSED_GRACE_S, self._on_closed, attempt)

    def _on_closed(self, attempt: Attempt) -> None:
        """It closed its control stream, and has not ended since."""
        attempt.violation = "broke the protocol: it closed its control stream"
        self._zygotes.request(KILL, attempt.token)

    def _on_output(self, attempt: Attempt, descriptor: int, event: int) -> None:
        if not event & select.EPOLLIN:  # everyone who could write has ended, and all is read
            self._watches.drop(descriptor)
            attempt.output.close_pipe(descriptor)
            return
        if attempt.control in self._watches:
            number = attempt.number
            self._on_control(attempt, select.EPOLLIN)  # so that the step is known that prints
            if attempt.number != number:
                return  # the next step may print by now; what there is to read is told again
        output = attempt.output
        is_open = descriptor in (output.out, output.err)
        if is_open and not output.read(descriptor, attempt.step or "-"):
            self._watches.remove(descriptor)
