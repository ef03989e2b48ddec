"""What every source of rows offers, whatever it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

BATCH_ROWS = 2000
BATCH_CHARACTERS = 4 * 1024 * 1024
"""A batch ends at either, so that wide rows do not fill the memory."""


class Batch(NamedTuple):
    """Some rows; `lines` says where each stands in its file, and is empty when it has no lines."""

    rows: Sequence[Sequence[Any]]
    lines: list[int]

    @property
    def extent(self) -> str:
        """`lines 2 to 2001: `, or nothing."""
        if not self.lines:
            return ""
        first, last = self.lines[0], self.lines[-1]
        return f"line {first}: " if first == last else f"lines {first} to {last}: "

    def place(self, index: int) -> str:
        """`line 12: `, or nothing."""
        return f"line {self.lines[index]}: " if self.lines else ""


class Source(Protocol):
    """Rows with named columns. A textual source has texts only, whose kinds are for the target to say."""

    name: str
    columns: tuple[str, ...]
    textual: bool

    def kinds(self) -> list[str]:
        """The kind of each column; reads a file's rows once for it."""
        ...

    def batches(self) -> Iterator[Batch]:
        """All rows, from the beginning."""
        ...


def batched(rows: Iterable[tuple[int, Sequence[Any], int]]) -> Iterator[Batch]:
    """Batches of (line, row, characters)."""
    waiting: list[Sequence[Any]] = []
    lines: list[int] = []
    characters = 0
    for line, row, size in rows:
        waiting.append(row)
        lines.append(line)
        characters += size
        if len(waiting) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield Batch(waiting, lines)
            waiting, lines, characters = [], [], 0
    if waiting:
        yield Batch(waiting, lines)
