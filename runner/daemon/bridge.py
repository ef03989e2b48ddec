"""From the writer's thread back to the loop: results arrive in order, one wake-up for many."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from runner.store.port import Store, Transaction

T = TypeVar("T")
Then = Callable[[T | None, BaseException | None], None]


class Bridge:
    """Submits writes to the store and calls back on the loop, after the write is durable."""

    def __init__(self, loop: asyncio.AbstractEventLoop, store: Store) -> None:
        self._loop = loop
        self._store = store
        self._done: deque[Callable[[], None]] = deque()
        self._waking = False
        self.pending = 0

    def write(self, work: Callable[[Transaction], T], then: Then[T]) -> None:
        """Queue `work` for the next group commit; `then(result, problem)` runs on the loop afterwards."""
        self.pending += 1

        def committed(result: T | None, problem: BaseException | None) -> None:
            self._done.append(lambda: then(result, problem))
            if not self._waking:
                self._waking = True
                self._loop.call_soon_threadsafe(self._deliver)

        self._store.submit(work, committed)

    def _deliver(self) -> None:
        self._waking = False
        while self._done:
            self.pending -= 1
            self._done.popleft()()
