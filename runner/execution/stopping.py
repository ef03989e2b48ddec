"""How is an attempt told to pause or to end, and what if it does not?"""

from __future__ import annotations

import asyncio

from runner.execution.attempt import Attempt
from runner.execution.protocol import ASK, HINT, INSIST, KILL, TERMINATE
from runner.execution.verdict import PAUSE
from runner.execution.zygotes import Zygotes


class Stopping:
    """TERM to the whole group of an attempt, KILL after the grace; its zygote sends them. A step with
    `interruptible: false` is let end first, unless its own time is over.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, zygotes: Zygotes) -> None:
        self._loop = loop
        self._zygotes = zygotes

    def stop(self, attempt: Attempt, grace_s: float, why: str) -> None:
        """Somebody wants it to end; without a grace it is killed at once, whatever step it is in.

        Asking again may shorten the grace. The first reason is the one that is reported.
        """
        is_first = attempt.stop_why is None
        if is_first:
            attempt.stop_why = why
        if grace_s <= 0:
            self._zygotes.request(KILL, attempt.token)
            return
        if is_first:
            self._zygotes.request(ASK if attempt.may_be_shielded else TERMINATE, attempt.token)
        attempt.later(self._loop, grace_s, self._kill, attempt, grace_s)

    def time_is_over(self, attempt: Attempt, grace_s: float, why: str) -> None:
        """It has to end, also in a step that is not to be interrupted: then that is why it does."""
        if attempt.stop_why is None or attempt.shielded:
            attempt.stop_why = why
        if grace_s <= 0:
            self._zygotes.request(KILL, attempt.token)
        else:
            self._zygotes.request(INSIST, attempt.token)
            attempt.later(self._loop, grace_s, self._zygotes.request, KILL, attempt.token)

    def pause(self, attempt: Attempt) -> None:
        """It is to end at its next boundary: a hint, which interrupts only a sleep of code that makes
        checkpoints.
        """
        attempt.to_pause = True
        if attempt.performing_since_s is not None:
            attempt.hinted = True
            self._zygotes.request(HINT, attempt.token)

    def at_a_boundary(self, attempt: Attempt) -> bool:
        """One that is to pause has come to where it can go on later; whether it is to hear nothing more.

        Code that makes checkpoints is told with the acknowledgement, and ends by itself.
        """
        self.stop(attempt, attempt.order.grace_s, PAUSE)
        return attempt.performing_since_s is None

    def _kill(self, attempt: Attempt, grace_s: float) -> None:
        """After the grace; it begins anew at the end of a step that is not to be interrupted."""
        if attempt.shielded:
            attempt.waiting_grace_s = grace_s
        else:
            self._zygotes.request(KILL, attempt.token)

    def shield_is_gone(self, attempt: Attempt, grace_s: float) -> None:
        """The step has ended that a stop has waited for."""
        attempt.waiting_grace_s = None
        attempt.later(self._loop, grace_s, self._kill, attempt, grace_s)
