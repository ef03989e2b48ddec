"""Makes the calls of webhooks that are due, a few at a time, and records what came of each."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.execution.webhook import NotCalled, call_webhook
from runner.operations.external_calls import Call, destination, next_call, record_call, take_calls
from runner.store.port import Store

AT_ONCE = 8
"""Calls under way; a system that answers slowly does not hold up the others."""

LOOK_AGAIN_S = 30.0
AFTER_TROUBLE_S = 2.0


class Courier:
    """`look` is called whenever there may be something to call; between calls it sleeps until the next."""

    def __init__(
        self,
        store: Store,
        project: Path,
        base_url: str,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        draw: Callable[[], float],
        wake: Callable[[], object],
    ) -> None:
        self._store = store
        self._project = project
        self._base_url = base_url
        self._now = now
        self._draw = draw
        self._wake = wake
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="courier")
        self._something = asyncio.Event()

    def look(self) -> None:
        """There may be something to call."""
        self._something.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._something.clear()
            try:
                calls, at = await loop.run_in_executor(None, self._take)
            except Exception as problem:
                print(f"error while looking for webhooks to call: {problem}", file=sys.stderr)
                calls, at = (), self._now() + timedelta(seconds=AFTER_TROUBLE_S)
            for call in calls:
                self._threads.submit(self._make, call, loop)
            wait_s = LOOK_AGAIN_S
            if at is not None:
                wait_s = min(max((at - self._now()).total_seconds(), 0.02), LOOK_AGAIN_S)
            try:
                async with asyncio.timeout(wait_s):
                    await self._something.wait()
            except TimeoutError:
                pass

    def stop(self) -> None:
        """Begin no other call; those under way end by themselves, or with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _take(self) -> tuple[tuple[Call, ...], datetime | None]:
        now = self._now()
        with self._store.read() as reader:
            at = next_call(reader)
        if at is None or at > now:
            return (), at
        calls = self._store.transact(lambda tx: take_calls(tx, now))
        with self._store.read() as reader:
            return calls, next_call(reader)

    def _make(self, call: Call, loop: asyncio.AbstractEventLoop) -> None:
        problem: NotCalled | None = None
        try:
            with self._store.read() as reader:
                to = destination(reader, call, self._project)
            message = call.work.message(self._base_url)
            call_webhook(to.webhook, to.connections, to.secret, message, id=call.id, at=self._now())
        except NotCalled as refused:
            problem = refused
        except Exception as fault:  # of this program: it is told, and the call is tried again
            problem = NotCalled("not-called", f"the call failed: {type(fault).__name__}", True, True)
        try:
            now, draw = self._now(), self._draw()
            self._store.transact(lambda tx: record_call(tx, call, problem, now, draw))
        except Exception as fault:  # the lease of the call ends, and it is made again
            print(f"error while recording a call of a webhook: {fault}", file=sys.stderr)
        self._wake()
        loop.call_soon_threadsafe(self.look)
