"""The clock of the daemon: injected, so that a test can step it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from runner.dispatch.clock_watch import ClockReading


class Clock(Protocol):
    """What the daemon may ask about the time."""

    def now(self) -> datetime:
        """The wall clock, as an aware UTC datetime."""
        ...

    def boot_s(self) -> float:
        """Seconds since boot, suspend included; never steps."""
        ...

    def awake_s(self) -> float:
        """Seconds since boot without suspend; never steps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def awake_s(self) -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)


AT_ONCE_S = 0.1
"""Readings that are further apart are none of one moment."""


def read_clocks(clock: Clock) -> ClockReading:
    """All three at this moment.

    A machine that goes to sleep between two of them would look as if its clock had been stepped by that long.
    """
    while True:
        boot_s = clock.boot_s()
        reading = ClockReading(clock.now(), boot_s, clock.awake_s())
        if clock.boot_s() - boot_s < AT_ONCE_S:
            return reading
