"""What the passing of time ends: holds, waiting instances, and removed jobs that have drained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from runner.daemon.bridge import Bridge
from runner.daemon.telling import Telling
from runner.operations.end_holds import end_holds
from runner.operations.expire_jobs import expire_jobs
from runner.operations.expire_waiting import expire_waiting
from runner.operations.finish_jobs import finish_jobs
from runner.operations.outcome import NotStarted
from runner.operations.remove_drained import remove_drained
from runner.operations.schedulable import SchedulableJob


class Housekeeping:
    """Each of them one write, tried again at the next look. `changed` runs when there is something new."""

    def __init__(self, bridge: Bridge, telling: Telling, *, changed: Callable[[], None]) -> None:
        self._bridge = bridge
        self._telling = telling
        self._changed = changed

    def end_holds(self, now: datetime) -> None:
        """Those with an `until` that has passed."""

        def done(ended: int | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("ending holds", problem)
            elif ended:
                self._changed()

        self._bridge.write(lambda tx: end_holds(tx, now), done)

    def expire(self, now: datetime) -> None:
        """What waits and is too late."""

        def done(ended: tuple[NotStarted, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("expiring waiting instances", problem)
            for each in ended or ():
                self._telling.not_started(each)
            if ended:
                self._changed()

        self._bridge.write(lambda tx: expire_waiting(tx, now), done)

    def expire_jobs(self, uids: Sequence[str], now: datetime) -> None:
        """Those whose end date has passed."""

        def done(ended: tuple[NotStarted, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("ending jobs whose validUntil has passed", problem)
                return
            for each in ended or ():
                self._telling.not_started(each)
            self._changed()

        self._bridge.write(lambda tx: expire_jobs(tx, uids, now), done)

    def finish_jobs(self, jobs: Sequence[SchedulableJob], now: datetime) -> None:
        """One-time jobs that are done."""

        def done(held: tuple[str, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("holding one-time jobs that are done", problem)
            elif held:
                self._changed()

        self._bridge.write(lambda tx: finish_jobs(tx, jobs, now), done)

    def remove_drained(self, now: datetime) -> None:
        """Removed jobs of which nothing runs or waits any more."""

        def done(removed: tuple[str, ...] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble("removing drained jobs", problem)
            for name in removed or ():
                self._telling.removed(name)

        self._bridge.write(lambda tx: remove_drained(tx, now), done)
