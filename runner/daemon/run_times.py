"""When may a run over an inventory start a target, and when is its time over?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from runner.daemon.desk import Desk
from runner.daemon.turns import Turns
from runner.dispatch.tasks import EXPIRES_IN, FanOutRules
from runner.operations.definition import Definition
from runner.operations.outcome import EXPIRED, TIMEOUT
from runner.store.instances import InstanceRecord
from runner.store.tasks import OpenTask


class RunTimes:
    """Of one run. `deadline`: when its time is over, and what that is then called; None: never."""

    def __init__(self, desk: Desk, instance: InstanceRecord, definition: Definition) -> None:
        self._desk = desk
        self._instance = instance
        self.deadline = _deadline(desk, instance, definition)

    def new_turns(self, rules: FanOutRules, tasks: Sequence[OpenTask]) -> Turns:
        """Inside windows a target is tried until the last one closes, unless `expiresIn` is declared."""
        window, last = self._desk.window_of(self._instance), self._instance.expires_at
        if window is not None and not window.each:
            ends = [at for at in (last, window.last_close) if at is not None]
            last = min(ends, default=None)
        elif rules.expires_in is None:
            rules = replace(rules, expires_in=EXPIRES_IN)
        return Turns(rules, tasks, self._desk.clock.now(), last)

    def in_its_window(self, now: datetime) -> bool:
        """T2: whether its window has time left for a target; at the close the run is asked to pause."""
        window = self._desk.window_of(self._instance)
        if window is None:
            return True
        opening = window.opening_at(now)
        return opening is not None and opening.may_start(now)


def _deadline(desk: Desk, instance: InstanceRecord, definition: Definition) -> tuple[datetime, str] | None:
    ends: list[tuple[datetime, str]] = []
    if instance.expires_at is not None:
        ends.append((instance.expires_at, EXPIRED))
    if definition.timeout_s is not None:
        began = instance.started_at or desk.clock.now()
        ends.append((began + timedelta(seconds=definition.timeout_s), TIMEOUT))
    return min(ends, default=None)
