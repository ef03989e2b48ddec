"""Which item does a job work on, and which ones are done with and not yet recorded?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.sdk.failures import JobCodeError

if TYPE_CHECKING:
    from datetime import datetime

    from runner.sdk.life import Life

AHEAD = 20
"""Items that are asked for together: they are the run's own, and each is still recorded by itself."""

MOST_UNRECORDED = 80
"""Items that may be done with before a checkpoint."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0
"""Between two looks for an item while none is there."""


class Item:
    """One thing that arrived: a file, a request, the end of another job; the same until it is `done`.

    `payload` is that of a request, `file` a map with `root`, `path`, `name`, `absolute` and `size`, `job` one
    with `name`, `id`, `state` and `outputs`; what it is not is None.
    """

    __slots__ = ("_given", "_is_done")

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._is_done = False

    @property
    def id(self) -> int:
        """Its number; never that of another item."""
        return int(self._given["id"])

    @property
    def kind(self) -> str:
        """`file`, `webhook` or `after`."""
        return str(self._given.get("kind") or "")

    @property
    def at(self) -> datetime:
        """When it arrived."""
        from datetime import datetime

        return datetime.fromisoformat(self._given["at"])

    @property
    def payload(self) -> Any:
        """What a request brought."""
        return self._given.get("payload")

    @property
    def file(self) -> Mapping[str, Any] | None:
        """The file."""
        return self._given.get("file")

    @property
    def job(self) -> Mapping[str, Any] | None:
        """The run of the other job."""
        return self._given.get("job")

    def done(self) -> None:
        """It is dealt with; recorded together with the state, by the next checkpoint."""
        self._is_done = True

    @property
    def is_done(self) -> bool:
        """Whether `done` was said."""
        return self._is_done

    def __repr__(self) -> str:
        return f"Item({self.id}, {self.kind!r}{', done' if self._is_done else ''})"


class Items:
    """The items of one process of a job. `linger_s` is None when it was not started to work through items."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._open: Item | None = None
        self._ahead: list[Mapping[str, Any]] = []
        self._done: list[int] = []
        details = life.metadata.trigger_details.get("consume")
        self._linger_s = float(details.get("linger_s", 0.0)) if isinstance(details, Mapping) else None

    def following(self, wait_s: float | None) -> Item | None:
        """The item that is not done with, else the next one; None when none came for as long as that."""
        self._note_done()
        if self._open is not None:
            return self._open
        if self._linger_s is None:
            raise JobCodeError(
                "no-items",
                "this run was not started to work through items; declare `consume: true` in its trigger, or "
                "read what came from job.metadata.trigger_details",
            )
        if len(self._done) >= MOST_UNRECORDED:
            raise JobCodeError(
                "items-not-recorded",
                f"{len(self._done)} items are done with and not recorded; make a checkpoint before the next",
            )
        life = self._life
        end = life.port.now() + (self._linger_s if wait_s is None else wait_s)
        pause_s = FIRST_PAUSE_S
        while True:
            life.obey()
            if not self._ahead:  # those that it has and has not recorded come first
                given = life.port.take(len(self._done) + AHEAD)
                self._ahead = [each for each in given if each["id"] not in self._done]
            if self._ahead:
                self._open = Item(self._ahead.pop(0))
                return self._open
            left_s = end - life.port.now()
            if left_s <= 0:
                return None
            life.wait(min(pause_s, left_s), interruptible=True)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def unrecorded(self) -> list[int]:
        """The ids of those that are done with, for the next checkpoint."""
        self._note_done()
        return list(self._done)

    def recorded(self, ids: list[int]) -> None:
        """A checkpoint has recorded these."""
        self._done = [id for id in self._done if id not in ids]

    def _note_done(self) -> None:
        if self._open is not None and self._open.is_done:
            self._done.append(self._open.id)
            self._open = None
