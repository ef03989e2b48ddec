"""Which of the sleeps that code meets are over already?

A long sleep ends its process. The code that comes back starts from its last checkpoint, meets the same
sleep again, and has to pass through it; but only through it. A sleep is known by the place in the code that
it is called from and, in `run(job)`, by the state at that moment; several at one place follow each other.
So what is recorded with a sleep is the path of all sleeps met in that process. A later process joins the
path where its first sleep stands in it, and every sleep is over that keeps to the path from there.

A place that is not on the path is a sleep that has not been: rather one too many than one too few, and a
process never repeats a path without going further.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

Path = list[str]
"""Sleeps in the order in which one process met them."""


class Sleeps:
    """The paths through the sleeps of `prepare`, `perform` and `run`, each its own."""

    __slots__ = ("_recorded", "_walks")

    def __init__(self, cursor: Mapping[str, Any]) -> None:
        self._recorded: dict[str, Path] = {
            phase: [sleep for sleep, times in runs for _ in range(times)]
            for phase, runs in (cursor.get("sleeps") or {}).items()
        }
        self._walks: dict[str, _Walk] = {}

    def is_over(self, phase: str, sleep: str) -> bool:
        """Take one step; whether the path that is recorded goes here too."""
        walk = self._walks.get(phase)
        if walk is None:
            walk = self._walks[phase] = _Walk(self._recorded.get(phase) or [])
        return walk.step(sleep)

    def passed(self, phase: str) -> int:
        """How many sleeps this process has met in that phase."""
        walk = self._walks.get(phase)
        return len(walk.met) if walk else 0

    def forget(self, phase: str) -> None:
        """The code is past everything that it met: what it returned is recorded."""
        self._recorded.pop(phase, None)
        self._walks.pop(phase, None)

    def cursor(self, asleep: str | None = None) -> dict[str, Any]:
        """What is to be recorded; with the path up to here of the phase that goes to sleep."""
        paths = dict(self._recorded)
        if asleep is not None:
            paths[asleep] = self._walks[asleep].met
        return {"sleeps": {phase: _runs(path) for phase, path in paths.items()}} if paths else {}


class _Walk:
    """One process on its way along a recorded path, or off it."""

    __slots__ = ("_path", "_place", "met")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place: int | None = None
        self.met: Path = []

    def step(self, sleep: str) -> bool:
        if not self.met:
            self._place = self._path.index(sleep) if sleep in self._path else None
        elif self._place is not None:
            following = self._place + 1
            goes_on = following < len(self._path) and self._path[following] == sleep
            self._place = following if goes_on else None
        self.met.append(sleep)
        return self._place is not None


def _runs(path: Path) -> list[list[Any]]:
    """A path as [sleep, times]: a poll meets the same one very often."""
    runs: list[list[Any]] = []
    for sleep in path:
        if runs and runs[-1][0] == sleep:
            runs[-1][1] += 1
        else:
            runs.append([sleep, 1])
    return runs


def sleep_here(outermost: object, state: str = "") -> str:
    """What the sleep is known by that is called now: the calls that lead to it from the function whose code
    `outermost` is, without it, and the state. The same in every process of the same code."""
    from zlib import crc32

    calls = [state]
    frame = sys._getframe(1)
    while frame is not None and frame.f_code is not outermost:
        calls.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        frame = frame.f_back  # type: ignore[assignment]
    return f"{crc32(chr(10).join(calls).encode('utf-8', 'replace')):08x}"
