"""Everything by which the daemon keeps an eye on time: its presence, its clocks, its loop, its processes that
stand still, and its zones.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from runner.daemon.clock import Clock
from runner.daemon.engine import Engine
from runner.daemon.presence import Heartbeat
from runner.daemon.standing_still import StandingStill
from runner.daemon.telling import tell
from runner.daemon.watchdog import Watchdog
from runner.daemon.zone_watch import ZoneWatch
from runner.dispatch.clock_watch import ClockEvent
from runner.operations.zones_in_use import ZoneChange
from runner.store.port import Store, Transaction


class Audience(Protocol):
    """Who is told what happened to the clock, to the loop and to the zones."""

    def noticed(self, word: str, text: str, *, bad: bool) -> None: ...
    def trouble(self, doing: str, problem: BaseException) -> None: ...


class Timekeeping:
    """From its making until `stop`; then `say_goodbye`, in the transaction that ends the session."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        clock: Clock,
        session: int,
        engine: Engine,
        audience: Audience,
    ) -> None:
        self._engine = engine
        self._audience = audience
        self._heartbeat = Heartbeat(loop, store, clock, session, self._clock_moved)
        self._watchdog = Watchdog(store, clock, self._heartbeat, engine, session, self._alarmed)
        self._standing_still = StandingStill(loop, clock.now, self._watchdog.alarm)
        self._zone_watch = ZoneWatch(loop, store, clock, engine, self._zone_changed, self._trouble)

    def _clock_moved(self, event: ClockEvent) -> None:
        tell(self._audience.noticed, "clock", event.text, bad=event.holds)
        self._engine.look()

    def _alarmed(self, text: str) -> None:
        tell(self._audience.noticed, "watchdog", text, bad=True)

    def _zone_changed(self, change: ZoneChange) -> None:
        tell(self._audience.noticed, "zones", change.text, bad=bool(change.moved))

    def _trouble(self, doing: str, problem: BaseException) -> None:
        tell(self._audience.trouble, doing, problem)

    def stop(self) -> None:
        """Look no more."""
        self._watchdog.stop()
        self._standing_still.stop()
        self._zone_watch.stop()
        self._heartbeat.stop()

    def say_goodbye(self, tx: Transaction) -> None:
        """The daemon was there until now."""
        self._heartbeat.say_goodbye(tx)
