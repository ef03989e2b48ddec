"""Between the loop and the writer's thread: writes leave together, results come back in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from runner.store.port import Store, Transaction
from runner.vocabulary.errors import RunnerError, StoreUnavailable

T = TypeVar("T")
Then = Callable[[T | None, BaseException | None], None]

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Between attempts to record something while the database cannot be written."""

LONGEST_DELAY_S = 0.01
"""How long a record that nobody waits for stays here, to share the commit of one that somebody waits for."""


class _Postponed(Exception):
    """An earlier record could not be written; this one waits behind it."""


class _Entry(NamedTuple):
    work: Callable[[Transaction], Any]
    then: Callable[[Any, BaseException | None], None]
    record: str
    """What is recorded; empty for a write that is tried once."""


class Bridge:
    """Submits writes to the store and calls back on the loop, after the write is durable.

    What one turn of the loop writes is handed over at its end, so the writer is woken once and the group
    commit is as large as it can be; the results of one commit wake the loop once.

    `trouble` hears of records that could not be written yet, `settled` runs after results were delivered.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        *,
        trouble: Callable[[str, BaseException], None] = lambda doing, problem: None,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._trouble = trouble
        self._settled = settled
        self._leaving: list[_Entry] = []
        self._leaving_soon = False
        self._leaving_later = False
        self._done: deque[tuple[_Entry, Any, BaseException | None]] = deque()
        self._waking = False
        self._broken = False  # set in the writer's thread, so that nothing overtakes what it could not write
        self._records_under_way = 0
        self._postponed: list[_Entry] = []
        self._pause_s = FIRST_PAUSE_S
        self._retrying: asyncio.TimerHandle | None = None
        self.pending = 0

    def write(self, work: Callable[[Transaction], T], then: Then[T]) -> None:
        """Queue `work` for the next group commit; `then(result, problem)` runs on the loop afterwards."""
        self._queue(_Entry(work, then, ""))

    def record(
        self, what: str, work: Callable[[Transaction], T], then: Then[T], *, soon: bool = True
    ) -> None:
        """As `write`, for what has happened already and must not be lost.

        While the database cannot be written it is tried again, and so is every later record after it, in
        their order. `then` hears a problem only when `work` itself raised. A record that is not needed
        `soon` leaves with the next write, or after a moment.
        """
        self._queue(_Entry(work, then, what), soon=soon)

    def _queue(self, entry: _Entry, *, soon: bool = True) -> None:
        self.pending += 1
        if entry.record and self._broken and not self._records_under_way:
            self._postponed.append(entry)
            return
        self._leave(entry, soon=soon)

    def _leave(self, entry: _Entry, *, soon: bool = True) -> None:
        self._records_under_way += bool(entry.record)
        self._leaving.append(entry)
        if soon and not self._leaving_soon:
            self._leaving_soon = True
            self._loop.call_soon(self._hand_over)
        elif not soon and not self._leaving_later:
            self._leaving_later = True
            self._loop.call_later(LONGEST_DELAY_S, self._hand_over_rest)

    def _hand_over_rest(self) -> None:
        self._leaving_later = False
        if self._leaving and not self._leaving_soon:
            self._hand_over()

    def _hand_over(self) -> None:
        self._leaving_soon = False
        leaving, self._leaving = self._leaving, []
        try:
            self._store.submit_all([self._job(entry) for entry in leaving])
        except RunnerError as problem:  # closed
            for entry in leaving:
                self._told(entry, None, problem)

    def _job(self, entry: _Entry) -> tuple[Callable[[Transaction], Any], Callable[..., None]]:
        def guarded(tx: Transaction) -> Any:
            if self._broken:
                raise _Postponed
            return entry.work(tx)

        def committed(result: Any, problem: BaseException | None) -> None:
            self._told(entry, result, problem)

        return guarded if entry.record else entry.work, committed

    def _told(self, entry: _Entry, result: Any, problem: BaseException | None) -> None:
        """In the writer's thread, in the order of the writes."""
        if entry.record and isinstance(problem, StoreUnavailable):
            self._broken = True
        self._done.append((entry, result, problem))
        if not self._waking:
            self._waking = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._waking = False
        while self._done:
            entry, result, problem = self._done.popleft()
            if entry.record:
                self._records_under_way -= 1
                if isinstance(problem, StoreUnavailable | _Postponed):
                    self._postpone(entry, problem)
                    continue
                self._pause_s = FIRST_PAUSE_S
            self.pending -= 1
            try:
                entry.then(result, problem)
            except Exception as fault:  # one listener's fault must not keep the others from hearing
                self._loop.call_exception_handler({"message": "after a write", "exception": fault})
        if self._postponed and not self._records_under_way and self._retrying is None:
            self._retrying = self._loop.call_later(self._pause_s, self._try_again)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._settled()

    def _postpone(self, entry: _Entry, problem: BaseException) -> None:
        self._postponed.append(entry)
        if isinstance(problem, StoreUnavailable):
            self._trouble(f"recording {entry.record} (it will be tried again)", problem)

    def _try_again(self) -> None:
        self._retrying = None
        self._broken = False
        postponed, self._postponed = self._postponed, []
        for entry in postponed:
            self._leave(entry)
