"""The clock of the daemon: injected, so that a test can step it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the daemon may ask about the time."""

    def now(self) -> datetime:
        """The wall clock, as an aware UTC datetime."""
        ...

    def boot_s(self) -> float:
        """Seconds since boot, suspend included; never steps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)
