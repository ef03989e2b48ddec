"""`runner` with a clock that a test steps: as many seconds off as the file `clock` beside the project says.

Only the injected clock is another one; everything else is the program.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from runner.daemon import clock


class SteppedClock(clock.SystemClock):
    """The machine's, and the wall clock some seconds off."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=_off_s())


def _off_s() -> float:
    try:
        return float(Path("clock").read_text())
    except (OSError, ValueError):  # not there yet, or just being written
        return 0.0


if __name__ == "__main__":
    from runner.cli.main import main

    clock.SystemClock = SteppedClock  # type: ignore[misc]
    main()
