"""When has an attempt, its step, or one unit of its work taken too long?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from runner.execution.attempt import Attempt
from runner.execution.verdict import PERFORM_TIMEOUT

TIMEOUT = "timeout"

STEP_GRACE_S = 10.0
"""After a step's own timeout, for a child that cannot be interrupted."""

LONG_PERFORM_S = 60.0
"""A unit of work should be shorter than that (sources.md, D1)."""


class Deadlines:
    """Timers of attempts, which end with them. `end` is told of one whose time is over, with the grace that
    it has left and why.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: Callable[[Attempt, float, str], None],
        long_perform_s: float,
    ) -> None:
        self._loop = loop
        self._end = end
        self.long_perform_s = long_perform_s

    def of_attempt(self, attempt: Attempt, limit_s: float) -> None:
        """It may take so long from now."""
        attempt.later(self._loop, limit_s, self._time_out, attempt)

    def of_step(self, attempt: Attempt, limit_s: float) -> None:
        """The child itself ends the step that it has begun; this is for one that does not."""
        attempt.later(self._loop, limit_s + STEP_GRACE_S, self._time_out_step, attempt, limit_s)

    def of_performs(self, attempt: Attempt) -> None:
        """Look when a unit of its work would be long, or too long; a checkpoint begins the next one."""
        since = attempt.performing_since_s
        if since is None:
            attempt.watched = False
            return
        passed, limit_s = time.monotonic() - since, attempt.order.perform_timeout_s
        if limit_s is not None and passed >= limit_s:
            self._end(attempt, attempt.order.grace_s, PERFORM_TIMEOUT)
            return
        is_long = passed >= self.long_perform_s
        if is_long and attempt.warns_of_long_performs and attempt.warned_since_s != since:
            attempt.warned_since_s = since
            attempt.performed_long(passed)
        ahead = [limit_s - passed] if limit_s is not None else []
        if not is_long:
            ahead.append(self.long_perform_s - passed)
        attempt.later(self._loop, min(ahead, default=self.long_perform_s), self.of_performs, attempt)

    def _time_out(self, attempt: Attempt) -> None:
        self._end(attempt, attempt.order.grace_s, TIMEOUT)

    def _time_out_step(self, attempt: Attempt, limit_s: float) -> None:
        if attempt.step_limit_s is limit_s:  # still in the step that has this limit
            self._end(attempt, 0.0, TIMEOUT)
