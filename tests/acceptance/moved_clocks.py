"""The clocks of a project's commands, as a test moves them: `runner up` sees steps, a suspend, or hours pass.

A small library is put before the C library (LD_PRELOAD), so that no part of the program knows. Nobody else's
clock is touched. libfaketime does not do here: it cannot move the time since boot alone, and lets Python's
sleeps fail.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("moved_clocks.c")
COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler (cc) makes the clocks movable")


@dataclass
class MovedClocks:
    """`wall` was set by so much, the machine slept so long, and so much time passed at once."""

    numbers: Path
    library: Path
    _moved: dict[str, timedelta] = field(
        default_factory=lambda: {name: timedelta(0) for name in ("set", "asleep", "passed")}
    )

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process see these clocks."""
        return {"LD_PRELOAD": str(self.library), "MOVED_CLOCKS": str(self.numbers)}

    def now(self) -> datetime:
        """What the wall clock of such a process shows."""
        return datetime.now(UTC) + sum(self._moved.values(), timedelta(0))

    def is_set(self, to: datetime) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._move("set", to - self.now())

    def sleeps(self, **duration: float) -> None:
        """The machine is suspended for so long."""
        self._move("asleep", timedelta(**duration))

    def passes(self, **duration: float) -> None:
        """So much time passes at once, for all clocks alike."""
        self._move("passed", timedelta(**duration))

    def _move(self, what: str, by: timedelta) -> None:
        self._moved[what] += by
        # One number of the three, and nobody reads half of it.
        position = list(self._moved).index(what) * 8
        nanoseconds = self._moved[what] // timedelta(microseconds=1) * 1000
        with self.numbers.open("r+b", buffering=0) as file:
            os.pwrite(file.fileno(), struct.pack("=q", nanoseconds), position)


def moved_clocks(folder: Path) -> MovedClocks:
    """Clocks that go right, until they are moved."""
    assert COMPILER is not None
    library = folder / "moved_clocks.so"
    command = [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True, timeout=120)
    numbers = folder / "moved"
    numbers.write_bytes(bytes(3 * 8))
    return MovedClocks(numbers, library)
