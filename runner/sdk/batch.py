"""Which items are collected, and not yet where they belong?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Batch(Generic[Item]):
    """Items on their way to a function that writes many at once; made by `Job.batch`.

    Used as a context manager it is flushed at the end of the block; when the block is left by an exception
    the items are dropped, because the state that would count them as done is not recorded either.
    """

    __slots__ = ("_deadline", "_flush", "_items", "_now", "_seconds", "_size", "_unflushed", "name")

    def __init__(
        self,
        flush: Callable[[list[Item]], Any],
        size: int,
        seconds: float | None,
        name: str,
        now: Callable[[], float],
        unflushed: dict[int, Batch[Any]],
    ) -> None:
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"size is {size!r}; a batch is flushed at a number of items from 1")
        if seconds is not None and not seconds > 0:
            raise ValueError(f"seconds is {seconds!r}; a batch is flushed after a time above 0, or None")
        self.name = name
        self._flush = flush
        self._size = size
        self._seconds = seconds
        self._now = now
        self._unflushed = unflushed
        self._items: list[Item] = []
        self._deadline: float | None = None

    def add(self, item: Item) -> None:
        """Add one item; the batch is flushed when it is full, or its first item has waited long enough.

        The time is looked at when something is added, and not in between.
        """
        if not self._items:
            self._unflushed[id(self)] = self
            if self._seconds is not None:
                self._deadline = self._now() + self._seconds
        self._items.append(item)
        if len(self._items) >= self._size or (self._deadline is not None and self._now() >= self._deadline):
            self.flush()

    def extend(self, items: Iterable[Item]) -> None:
        """Add items one by one."""
        for item in items:
            self.add(item)

    def flush(self) -> None:
        """Hand all items to the function, as a list; nothing is done without any.

        What the function raises is passed on, and the items stay.
        """
        if not self._items:
            return
        returned = self._flush(self._items)
        if hasattr(returned, "__await__"):
            if hasattr(returned, "close"):
                returned.close()
            raise TypeError(
                f"the function that flushes batch {self.name} is async, and a batch does not wait for it; "
                "give it a function that writes before it returns"
            )
        self.discard()

    def discard(self) -> None:
        """Drop all items without handing them over."""
        self._items = []
        self._deadline = None
        self._unflushed.pop(id(self), None)

    def __len__(self) -> int:
        return len(self._items)

    def __enter__(self) -> Batch[Item]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self.discard()
