"""How do requests that come together share a commit? Those of a path wait for each other, and for no others.

What comes while a group is being written is the next group: alone a request waits for nothing, and a thousand
cost a handful of commits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from runner.operations.receive_webhook import (
    Message,
    Received,
    examine,
    hook_of,
    receive,
)
from runner.operations.request_refused import RequestRefused
from runner.store.port import Store
from runner.vocabulary.errors import StoreUnavailable
from runner.web.known_hooks import KnownHooks

TOGETHER = 64
"""Requests of one commit, so that the first of a flood does not wait for the last."""

UNDER_WAY = 2
"""Groups of one path: one is checked while the other is being written."""

THREADS = 8
"""What is slow for one path (a secret on a hanging disk) holds up no other."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came, and where its answer is waited for."""

    headers: Mapping[str, str]
    body: bytes
    answer: asyncio.Future[Received]


Outcome = Received | BaseException


class Intake:
    """Takes requests in, a group at a time; `wake` tells the daemon that there is something to start."""

    def __init__(
        self,
        store: Store,
        known: KnownHooks,
        project: Path,
        now: Callable[[], datetime],
        wake: Callable[[], object],
    ) -> None:
        self._store = store
        self._known = known
        self._project = project
        self._now = now
        self._wake = wake
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intake")
        self._waiting: dict[str, deque[Asked]] = {}
        self._groups: dict[str, int] = {}

    async def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Received:
        """What became of it, durable; RequestRefused when it is not taken."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Received] = loop.create_future()
        self._waiting.setdefault(path, deque()).append(Asked(headers, body, answer))
        self._begin(path, loop)
        return await answer

    def _begin(self, path: str, loop: asyncio.AbstractEventLoop) -> None:
        waiting = self._waiting.get(path)
        if not waiting or self._groups.get(path, 0) >= UNDER_WAY:
            return
        group = [waiting.popleft() for _ in range(min(TOGETHER, len(waiting)))]
        if not waiting:
            del self._waiting[path]
        self._groups[path] = self._groups.get(path, 0) + 1
        done = loop.run_in_executor(self._threads, self._taken, path, group)
        done.add_done_callback(lambda found: self._tell(path, group, found, loop))

    def _tell(
        self,
        path: str,
        group: list[Asked],
        found: asyncio.Future[list[Outcome]],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._groups[path] -= 1
        if not self._groups[path]:
            del self._groups[path]
        problem = found.exception()
        outcomes = [problem] * len(group) if problem is not None else found.result()
        for asked, outcome in zip(group, outcomes, strict=True):
            if asked.answer.done():  # whoever asked has gone
                continue
            if isinstance(outcome, BaseException):
                asked.answer.set_exception(outcome)
            else:
                asked.answer.set_result(outcome)
        self._begin(path, loop)

    def _taken(self, path: str, group: list[Asked]) -> list[Outcome]:
        outcomes: list[Outcome | Message] = []
        with self._store.read() as reader:
            try:
                hook = hook_of(reader, self._known.owners(reader, path), self._project)
            except RequestRefused as refused:
                return [refused] * len(group)
        for asked in group:
            try:
                outcomes.append(examine(hook, asked.headers, asked.body, now=self._now()))
            except Exception as problem:
                outcomes.append(problem)
        messages = [outcome for outcome in outcomes if isinstance(outcome, Message)]
        received = iter(self._kept(messages))
        return [next(received) if isinstance(outcome, Message) else outcome for outcome in outcomes]

    def _kept(self, messages: list[Message]) -> list[Outcome]:
        if not messages:
            return []
        try:
            found = self._store.transact(lambda tx: receive(tx, messages, self._now()))
        except Exception as problem:
            if len(messages) == 1 or isinstance(problem, StoreUnavailable):
                return [problem] * len(messages)
            return [outcome for message in messages for outcome in self._kept([message])]  # only one is bad
        self._wake()
        return list(found)
