"""Between the loop and the writer's thread: writes leave together, results come back in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar

from runner.store.port import Store, Transaction
from runner.vocabulary.errors import RunnerError, StoreUnavailable

T = TypeVar("T")
Then = Callable[[T | None, BaseException | None], None]

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
"""Between attempts to record something while the database cannot be written."""

SLOW_COMMIT_S = 0.01
SLOW_WORK_S = 0.001
RESTS = 20
LONGEST_REST_S = 10.0
"""After a commit on the loop that took longer than that, and so much for each of its works, there is none for
so many times as long: at most a twentieth of its time the loop stands still for a slow disk."""

MOST_HERE = 64
"""Works of one commit on the loop: some 10 ms. More leave in several, and the loop turns in between."""

LONGEST_DELAY_S = 0.01
"""How long a record that nobody waits for stays here, to share the commit of one that somebody waits for."""


class _Postponed(Exception):
    """An earlier record could not be written; this one waits behind it."""


class _Entry(NamedTuple):
    work: Callable[[Transaction], Any]
    then: Callable[[Any, BaseException | None], None]
    record: str
    """What is recorded; empty for a write that is tried once."""
    is_short: bool
    """A few rows: the loop may do it itself."""
    is_awaited: bool
    """Somebody stands still until it is durable."""


class Bridge:
    """Submits writes to the store and calls back on the loop, after the write is durable.

    What one turn of the loop writes is written at its end, so that the group commit is as large as it can be:
    here, while commits are quick and works short, else by the writer's thread. That one is woken once, and
    the results of one commit wake the loop once. What comes while it writes leaves when it is done.

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
        self._held_up = False
        self._done: deque[tuple[_Entry, Any, BaseException | None]] = deque()
        self._waking = False
        self._broken = False  # set in the writer's thread, so that nothing overtakes what it could not write
        self._records_under_way = 0
        self._postponed: list[_Entry] = []
        self._not_here_before = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._retrying: asyncio.TimerHandle | None = None
        self.pending = 0

    def write(self, work: Callable[[Transaction], T], then: Then[T], *, is_short: bool = False) -> None:
        """Queue `work` for the next group commit; `then(result, problem)` runs on the loop afterwards. A work
        that `is_short` reads and writes a few rows.
        """
        self._queue(_Entry(work, then, "", is_short, False))

    def record(
        self,
        what: str,
        work: Callable[[Transaction], T],
        then: Then[T],
        *,
        is_short: bool = True,
        soon: bool = True,
        is_awaited: bool = False,
    ) -> None:
        """As `write`, mostly of a short work, for what has happened already and must not be lost.

        While the database cannot be written it is tried again, and so is every later record after it, in
        their order. `then` hears a problem only when `work` itself raised. A record that is not needed
        `soon` leaves with the next write, or after a moment. One that somebody stands still for leaves before
        the end of the turn, when it is alone.
        """
        self._queue(_Entry(work, then, what, is_short, is_awaited), soon=soon)

    def _queue(self, entry: _Entry, *, soon: bool = True) -> None:
        self.pending += 1
        if entry.record and self._broken and not self._records_under_way:
            self._postponed.append(entry)
            return
        self._leave(entry, soon=soon)

    def _leave(self, entry: _Entry, *, soon: bool = True) -> None:
        self._records_under_way += bool(entry.record)
        self._leaving.append(entry)
        if soon:
            self._leave_soon()
        elif not self._leaving_later:
            self._leaving_later = True
            self._loop.call_later(LONGEST_DELAY_S, self._hand_over_rest)

    def _leave_soon(self) -> None:
        if not self._leaving_soon:
            self._leaving_soon = True
            self._loop.call_soon(self._hand_over)

    def hurry(self) -> None:
        """Do now what would be done at the end of the turn, when somebody stands still for it alone."""
        if len(self._leaving) == 1 and self._leaving[0].is_awaited:
            self._hand_over()

    def _hand_over_rest(self) -> None:
        self._leaving_later = False
        if self._leaving and not self._leaving_soon:
            self._hand_over()

    def _hand_over(self) -> None:
        self._leaving_soon = False
        if self.pending > len(self._leaving) + len(self._postponed):  # somewhere else, or just being told
            self._held_up = True
            return
        self._held_up = False
        if not self._leaving or self._write_here():
            return
        leaving, self._leaving = self._leaving, []
        try:
            self._store.submit_all([self._job(entry) for entry in leaving])
        except RunnerError as problem:  # closed
            for entry in leaving:
                self._told(entry, None, problem)

    def _write_here(self) -> bool:
        """Whether the first of it were written in this thread: the loop stands still for one commit."""
        begun = self._loop.time()
        if self._broken or begun < self._not_here_before:
            return False
        first, rest = self._leaving[:MOST_HERE], self._leaving[MOST_HERE:]
        if not all(entry.is_short for entry in first):
            return False
        self._leaving = rest
        if not self._store.try_now([(entry.work, partial(self._note, entry)) for entry in first]):
            self._leaving = first + rest
            return False
        took_s = self._loop.time() - begun
        if took_s > SLOW_COMMIT_S + len(first) * SLOW_WORK_S:
            self._not_here_before = self._loop.time() + min(RESTS * took_s, LONGEST_REST_S)
        if rest:
            self._leave_soon()
        self._deliver()
        return True

    def _job(self, entry: _Entry) -> tuple[Callable[[Transaction], Any], Callable[..., None]]:
        def guarded(tx: Transaction) -> Any:
            if self._broken:
                raise _Postponed
            return entry.work(tx)

        def committed(result: Any, problem: BaseException | None) -> None:
            self._told(entry, result, problem)

        return guarded if entry.record else entry.work, committed

    def _note(self, entry: _Entry, result: Any, problem: BaseException | None) -> None:
        """In the order of the writes."""
        if entry.record and isinstance(problem, StoreUnavailable):
            self._broken = True
        self._done.append((entry, result, problem))

    def _told(self, entry: _Entry, result: Any, problem: BaseException | None) -> None:
        """In the writer's thread."""
        self._note(entry, result, problem)
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
        if self._held_up:
            self._leave_soon()
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
