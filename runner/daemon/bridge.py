"""Between the loop and the writer's thread: writes leave together, results come back in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from runner.store.port import Store, Transaction

T = TypeVar("T")
Then = Callable[[T | None, BaseException | None], None]


class Bridge:
    """Submits writes to the store and calls back on the loop, after the write is durable.

    What one turn of the loop writes is handed over at its end, so the writer is woken once and the group
    commit is as large as it can be; the results of one commit wake the loop once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        self._loop = loop
        self._store = store
        self._leaving: list[
            tuple[Callable[[Transaction], Any], Callable[[Any, BaseException | None], None]]
        ] = []
        self._done: deque[tuple[Then[Any], Any, BaseException | None]] = deque()
        self._waking = False
        self.pending = 0

    def write(self, work: Callable[[Transaction], T], then: Then[T]) -> None:
        """Queue `work` for the next group commit; `then(result, problem)` runs on the loop afterwards."""
        self.pending += 1
        if not self._leaving:
            self._loop.call_soon(self._hand_over)

        def committed(result: T | None, problem: BaseException | None) -> None:
            self._done.append((then, result, problem))
            if not self._waking:
                self._waking = True
                self._loop.call_soon_threadsafe(self._deliver)

        self._leaving.append((work, committed))

    def _hand_over(self) -> None:
        leaving, self._leaving = self._leaving, []
        self._store.submit_all(leaving)

    def _deliver(self) -> None:
        self._waking = False
        while self._done:
            then, result, problem = self._done.popleft()
            self.pending -= 1
            try:
                then(result, problem)
            except Exception as fault:  # one listener's fault must not keep the others from hearing
                self._loop.call_exception_handler({"message": "after a write", "exception": fault})
