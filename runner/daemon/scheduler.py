"""Turns due slots into decisions, in small batches, so that the first start does not wait for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.roster import Due, Roster
from runner.operations.decide_slots import Decided, decide_slots
from runner.store.port import Transaction

FIRST_BATCH = 8
"""Schedules decided in the first transaction of a burst: few, so that the first job starts at once."""

BATCH = 64
"""Schedules decided in each further one."""


class Scheduler:
    """Decides what is due, then tells the dispatcher that there is something to claim."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        roster: Roster,
        *,
        ready: Callable[[], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._roster = roster
        self._ready = ready
        self._trouble = trouble
        self._busy = False
        self.stopped = False

    def tick(self, batch: int = FIRST_BATCH) -> None:
        """Decide what is due now; calls itself until nothing is due. One batch is under way at a time."""
        if self._busy or self.stopped:
            return
        now = self._clock.now()
        due = self._roster.due(now, batch)
        if not due:
            return
        self._busy = True
        self._bridge.write(
            lambda tx: self._decide(tx, due, now),
            lambda result, problem: self._decided(due, now, result, problem),
        )

    def _decide(self, tx: Transaction, due: Sequence[Due], now: datetime) -> list[Decided]:
        jobs = self._roster.jobs
        return [
            decide_slots(tx, jobs[entry.job_uid], entry.schedule, now) if entry.job_uid in jobs else Decided()
            for entry in due
        ]

    def _decided(
        self, due: Sequence[Due], now: datetime, result: list[Decided] | None, problem: BaseException | None
    ) -> None:
        self._busy = False
        if result is None:
            for entry in due:
                self._roster.again(entry)
            self._trouble("deciding slots", problem or RuntimeError("no result"))
            return
        for entry, decided in zip(due, result, strict=True):
            if decided.more:
                self._roster.again(entry)
            elif not decided.held:  # a held job comes back when the roster is loaded again
                self._roster.decided(entry, now)
        if any(decided.instances for decided in result):
            self._ready()
        self.tick(BATCH)
