"""How are refused requests written down without a flood of them filling anything?

Counted here by path and reason, and written a few seconds later in one commit: whoever sends forged requests
costs no disk. What is lost with the process are the counts of these seconds.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from runner.operations.refusals import Refused, record_refusals
from runner.store.port import Store
from runner.vocabulary.printable import printable
from runner.web.known_hooks import KnownHooks

BETWEEN_S = 5.0
"""Two commits."""

SAID_AGAIN_S = 3600.0
"""In the log: the same path and reason."""

MOST = 200
"""Paths and reasons between two commits; the rest are counted as one."""

LONGEST_PATH, LONGEST_DETAIL = 100, 300
ELSEWHERE = "…"


class RefusedRequests:
    """`note` is called on the loop, for each; `run` writes them down until it is cancelled."""

    def __init__(
        self, store: Store, known: KnownHooks, now: Callable[[], datetime], *, between_s: float = BETWEEN_S
    ) -> None:
        self._store = store
        self._known = known
        self._now = now
        self._between_s = between_s
        self._counted: dict[tuple[str, str], Refused] = {}
        self._said: dict[tuple[str, str], datetime] = {}
        self._something = asyncio.Event()

    def note(self, path: str, rule: str, detail: str) -> None:
        """One request for that path below `/hooks/` was refused."""
        now, path = self._now(), printable(path)[:LONGEST_PATH]
        key = (path, rule)
        if key not in self._counted and len(self._counted) >= MOST:
            path, key = ELSEWHERE, (ELSEWHERE, rule)
        before = self._counted.get(key)
        detail = printable(detail)[:LONGEST_DETAIL]
        if before is None:
            self._counted[key] = Refused(
                path=path, rule=rule, detail=detail, count=1, first_at=now, last_at=now
            )
        else:
            self._counted[key] = replace(before, detail=detail, count=before.count + 1, last_at=now)
        self._something.set()

    async def run(self) -> None:
        """The first is written at once, those after it together."""
        loop = asyncio.get_running_loop()
        while True:
            await self._something.wait()
            self._something.clear()
            await loop.run_in_executor(None, self._write, self._taken())
            await asyncio.sleep(self._between_s)

    def finish(self) -> None:
        """Write down what has been counted, before the end."""
        self._write(self._taken())

    def _taken(self) -> dict[tuple[str, str], Refused]:
        counted, self._counted = self._counted, {}
        return counted

    def _write(self, counted: dict[tuple[str, str], Refused]) -> None:
        if not counted:
            return
        self._say(counted)
        try:
            with self._store.read() as reader:
                hooks = self._known.all(reader)
            self._store.transact(lambda tx: record_refusals(tx, hooks, [*counted.values()]))
        except Exception as problem:
            print(f"error while recording refused requests: {problem}", file=sys.stderr)

    def _say(self, counted: dict[tuple[str, str], Refused]) -> None:
        for key, each in counted.items():
            said = self._said.get(key)
            if said is not None and (each.last_at - said).total_seconds() < SAID_AGAIN_S:
                continue
            if len(self._said) >= MOST:
                self._said.clear()
            self._said[key] = each.last_at
            many = "a request" if each.count == 1 else f"{each.count} requests"
            print(f"refused {many} to /hooks/{each.path} ({each.rule}): {each.detail}", file=sys.stderr)
