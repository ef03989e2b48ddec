"""Which items are collected, and not yet where they belong?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Batch(Generic[T]):
    """Items on their way to a function that writes many at once; made by `Job.batch`.

    Used as a context manager it is flushed at the end of the block; when the block is left by an exception
    the items are dropped, because the state that would count them as done is not recorded either.
    """

    __slots__ = (
        "_deadline",
        "_flush",
        "_items",
        "_now",
        "_on_their_way",
        "_seconds",
        "_size",
        "_unflushed",
        "name",
    )

    def __init__(
        self,
        flush: Callable[[list[T]], Any],
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
        self._items: list[T] = []
        self._on_their_way = 0
        self._deadline: float | None = None

    def add(self, item: T) -> None:
        """Add one item; the batch is flushed when it is full, or its first item has waited long enough.

        The time is looked at when something is added, and not in between.
        """
        if self._is_due_with(item):
            self.flush()

    def extend(self, items: Iterable[T]) -> None:
        """Add items one by one."""
        for item in items:
            self.add(item)

    def flush(self) -> None:
        """Hand all items to the function, as a list; nothing is done without any.

        What the function raises is passed on, and the items stay.
        """
        if not (items := self._taken()):
            return
        try:
            returned = self._flush(items)
            if hasattr(returned, "__await__"):
                getattr(returned, "close", bool)()
                raise TypeError(
                    f"the function that flushes batch {self.name} is async; use `async with`, add_async and "
                    "flush_async with it"
                )
        except BaseException:
            self._put_back(items)
            raise
        self._settle(items)

    async def add_async(self, item: T) -> None:
        """As `add`, for a function that is async."""
        if self._is_due_with(item):
            await self.flush_async()

    async def extend_async(self, items: Iterable[T]) -> None:
        """Add items one by one."""
        for item in items:
            await self.add_async(item)

    async def flush_async(self) -> None:
        """As `flush`; what is added meanwhile waits for the next one."""
        if not (items := self._taken()):
            return
        try:
            returned = self._flush(items)
            if hasattr(returned, "__await__"):
                await returned
        except BaseException:
            self._put_back(items)
            raise
        self._settle(items)

    def discard(self) -> None:
        """Drop all items without handing them over."""
        self._items = []
        self._deadline = None
        self._unflushed.pop(id(self), None)

    def __len__(self) -> int:
        return len(self._items) + self._on_their_way

    def __enter__(self) -> Batch[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self.discard()

    async def __aenter__(self) -> Batch[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.flush_async()
        else:
            self.discard()

    def _is_due_with(self, item: T) -> bool:
        if not self._items:
            self._unflushed[id(self)] = self
            if self._seconds is not None:
                self._deadline = self._now() + self._seconds
        self._items.append(item)
        return len(self._items) >= self._size or (
            self._deadline is not None and self._now() >= self._deadline
        )

    def _taken(self) -> list[T]:
        items, self._items, self._deadline = self._items, [], None
        self._on_their_way += len(items)
        return items

    def _put_back(self, items: list[T]) -> None:
        self._on_their_way -= len(items)
        self._items[:0] = items

    def _settle(self, items: list[T]) -> None:
        self._on_their_way -= len(items)
        if not len(self):
            self._unflushed.pop(id(self), None)
