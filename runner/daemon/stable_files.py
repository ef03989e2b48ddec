"""Which new files have stayed as they are for long enough, and how long is that still for the others?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from runner.operations.files_arrived import FoundFile

RESTLESS_S = 3600.0
"""A file that changes for longer than this, and than ten times its rest, is told of."""


class _Seen(NamedTuple):
    key: str
    since_s: float
    first_s: float


class StableFiles:
    """The new files of one trigger. Time is that of a clock that only goes on: `at_s`, in seconds."""

    def __init__(self, stable_s: float) -> None:
        self._stable_s = stable_s
        self._seen: dict[str, _Seen] = {}
        self._told: set[str] = set()

    def look(self, files: Sequence[FoundFile], at_s: float) -> tuple[list[FoundFile], float]:
        """Those that were the same for long enough, longest unchanged first, and the seconds until the next
        may be. What is not among `files` any more is forgotten.
        """
        seen: dict[str, _Seen] = {}
        ready: list[FoundFile] = []
        wait_s = float("inf")
        for file in files:
            before = self._seen.get(file.path)
            if before is None:
                before = _Seen(file.key, at_s, at_s)
            elif before.key != file.key:
                before = _Seen(file.key, at_s, before.first_s)
            seen[file.path] = before
            left_s = before.since_s + self._stable_s - at_s
            if left_s <= 0:
                ready.append(file)
            else:
                wait_s = min(wait_s, left_s)
        self._seen = seen
        self._told &= seen.keys()
        return sorted(ready, key=lambda file: (file.changed_ns, file.path)), wait_s

    def restless(self, at_s: float) -> Iterator[tuple[str, float]]:
        """Files that have not come to rest for very long, each told once, and for how many seconds."""
        longest_s = max(RESTLESS_S, 10 * self._stable_s)
        for path, seen in self._seen.items():
            if seen.since_s != seen.first_s and at_s - seen.first_s > longest_s and path not in self._told:
                self._told.add(path)
                yield path, at_s - seen.first_s
