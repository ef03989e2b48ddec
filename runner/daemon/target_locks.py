"""Which run works on which target of an inventory? Nobody works on one twice at the same time (T2)."""

from __future__ import annotations

from collections.abc import Callable


class TargetLocks:
    """Of all runs of this daemon. The database refuses a second one too; this saves asking it in vain.

    `soon` calls back on the next turn of the loop.
    """

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        self._soon = soon
        self._held: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], dict[int, Callable[[], None]]] = {}

    def take(self, inventory: str, target: str, run: int, free: Callable[[], None]) -> bool:
        """Whether the run has it now; if not, `free` is called when it may ask again."""
        key = (inventory, target)
        if self._held.setdefault(key, run) == run:
            return True
        self._waiting.setdefault(key, {})[run] = free
        return False

    def release(self, inventory: str, target: str, run: int) -> None:
        """Nothing of the run works on it any more."""
        key = (inventory, target)
        if self._held.get(key) == run:
            del self._held[key]
            for free in self._waiting.pop(key, {}).values():
                self._soon(free)

    def gone(self, target: str, run: int) -> None:
        """The last process of a target is gone, of a run that was given up before."""
        for inventory in [inventory for inventory, name in self._held if name == target]:
            self.release(inventory, target, run)
