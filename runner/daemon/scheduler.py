"""Turns due slots into decisions, in small batches, so that the first start does not wait for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.roster import Due, Roster
from runner.operations.decide_slots import Decided, decide_slots
from runner.operations.schedulable import SchedulableJob
from runner.store.port import Transaction
from runner.vocabulary.errors import StoreUnavailable

Jobs = Mapping[str, SchedulableJob]

FIRST_BATCH = 1
"""Schedules decided in the first transaction of a burst: the first job starts at once."""

BATCH, GROWTH = 32, 4
"""Schedules decided in a later one at most (some 3 ms); each has so many times as many as the one before."""

GAP_S = 0.002
"""After the first, so that the claim of what was decided is not behind the next in the same commit."""

SHORT = timedelta(seconds=60)
"""A schedule that was due longer ago may have thousands of slots to decide."""

PAUSE = timedelta(seconds=5)
"""Before slots are decided again that could not be decided."""


class Scheduler:
    """Decides what is due. `ready` hears that there is something to claim, `changed` that the next slots are
    others now, and `stale` that something was installed which the roster does not know yet.
    """

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        roster: Roster,
        *,
        ready: Callable[[], None],
        changed: Callable[[], None],
        stale: Callable[[], None],
        later: Callable[[float, Callable[[], None]], object],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._roster = roster
        self._ready = ready
        self._changed = changed
        self._stale = stale
        self._later = later
        self._trouble = trouble
        self._under_way = 0
        self._going_on = False
        self.stopped = False

    def next_at(self) -> datetime | None:
        """When `tick` has something to do; None while it is at it, or stopped."""
        return None if self.stopped or self._under_way or self._going_on else self._roster.next_at()

    def tick(self, batch: int = FIRST_BATCH) -> None:
        """Decide what is due now; calls itself until nothing is due. One batch is under way at a time."""
        if self._under_way or self._going_on or self.stopped:
            return
        now = self._clock.now()
        due = self._roster.due(now, batch)
        if due:
            self._decide(due, now, self._roster.jobs, self._roster.serial)

    def _decide(self, due: Sequence[Due], now: datetime, jobs: Jobs, serial: int | None) -> None:
        """By what was installed when they were due: the roster may be loaded anew before they are written."""
        self._under_way += 1

        def work(tx: Transaction) -> list[Decided] | None:
            if tx.serial() != serial:
                return None
            return [decide_slots(tx, jobs[entry.job_uid], entry.schedule, now) for entry in due]

        def then(result: list[Decided] | None, problem: BaseException | None) -> None:
            self._under_way -= 1
            if problem is not None:
                self._failed(due, now, jobs, serial, problem)
            elif result is None:
                for entry in due:
                    self._roster.again(entry, now + PAUSE)  # at once, when the roster has been loaded anew
                self._stale()
            else:
                self._decided(due, now, result)
            self._changed()

        self._bridge.write(work, then, is_short=now - min(entry.at for entry in due) <= SHORT)

    def _decided(self, due: Sequence[Due], now: datetime, result: list[Decided]) -> None:
        for entry, decided in zip(due, result, strict=True):
            if decided.more:
                self._roster.again(entry)
            elif not decided.held:  # a held job comes back when the roster is loaded again
                self._roster.decided(entry, now)
        if any(decided.instances for decided in result):
            self._ready()
        next_at = self._roster.next_at()
        if next_at is not None and next_at <= self._clock.now():
            self._going_on = True
            gap_s = GAP_S if len(due) == FIRST_BATCH else 0.0
            self._later(gap_s, lambda: self._go_on(min(GROWTH * len(due), BATCH)))

    def _go_on(self, batch: int) -> None:
        self._going_on = False
        self.tick(batch)
        if not self._under_way:
            self._changed()

    def _failed(
        self, due: Sequence[Due], now: datetime, jobs: Jobs, serial: int | None, problem: BaseException
    ) -> None:
        if len(due) > 1 and not isinstance(problem, StoreUnavailable):
            for entry in due:  # one of them is to blame: the others are decided without it
                self._decide([entry], now, jobs, serial)
            return
        for entry in due:
            self._roster.again(entry, now + PAUSE)
        names = ", ".join(entry.job_name for entry in due[:3]) + (", …" if len(due) > 3 else "")
        self._trouble(f"deciding the slots of {names}", problem)
