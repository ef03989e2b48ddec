"""Notices an update of the tz database while the daemon runs, and what it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.operations.tz_database import tz_rules
from runner.operations.zones_in_use import ZoneChange, note_zones, unknown_rules
from runner.schedules.kinds import forget_zones
from runner.store.port import Store

FIRST_S = 2.0
"""After the start: the first slots come first."""

AGAIN_S = 3600.0
"""An update of the machine's packages is noticed within this time."""


class Watched(Protocol):
    """What is asked of the engine."""

    def zones(self) -> Collection[str]:
        """The names of the zones of all schedules."""

    def rearm(self) -> None:
        """Make the schedules anew, and compute their next slots."""


class ZoneWatch:
    """Looks from its making until `stop`. `told` hears of each zone that changed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        clock: Clock,
        engine: Watched,
        told: Callable[[ZoneChange], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._loop = loop
        self._store = store
        self._bridge = Bridge(loop, store)
        self._clock = clock
        self._engine = engine
        self._told = told
        self._trouble = trouble
        self._in_use: dict[str, bytes | None] = {}
        self._handle = loop.call_later(FIRST_S, self.look)

    def look(self) -> None:
        """Whether the rules of a zone in use are others than those that were kept."""
        self._handle.cancel()
        self._handle = self._loop.call_later(AGAIN_S, self.look)
        names = self._engine.zones()
        known, self._in_use = self._in_use, {name: tz_rules(name) for name in names}
        if any(known[name] != rules for name, rules in self._in_use.items() if name in known):
            forget_zones()  # this process still has the rules of before
            self._engine.rearm()
        try:
            with self._store.read() as reader:
                unknown = unknown_rules(reader, names)
        except Exception as problem:  # whatever it is, it looks again in an hour
            self._trouble("looking for changes of the tz database", problem)
            return
        if unknown:
            now = self._clock.now()
            self._bridge.write(lambda tx: note_zones(tx, unknown, now), self._noted)

    def _noted(self, changes: tuple[ZoneChange, ...] | None, problem: BaseException | None) -> None:
        if problem is not None:
            self._trouble("keeping the rules of time zones", problem)
        for change in changes or ():
            self._told(change)

    def stop(self) -> None:
        """Look no more."""
        self._handle.cancel()
