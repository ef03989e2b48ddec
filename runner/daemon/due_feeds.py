"""Which triggers have items that may be fed to their job now, and when do the others?

A trigger is looked at again when something about its items, its job's holds or the plan has changed, when its
time has come, and now and then regardless. Pure: the time is handed in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from runner.operations.count_ends import Key
from runner.store.holds import HoldRecord

REGARDLESS = timedelta(seconds=30)
"""What is open is looked at so often although nothing seems to have changed."""


class DueFeeds:
    """The triggers with open items, as they were seen last."""

    def __init__(self) -> None:
        self._seen: dict[Key, object] = {}
        self._fed_at: dict[Key, datetime] = {}
        self._due: dict[Key, datetime] = {}
        self._todo: set[Key] = set()
        self._touched: set[str] = set()

    @property
    def has_seen_any(self) -> bool:
        """Whether anything was open at the last look."""
        return bool(self._seen)

    @property
    def are_any(self) -> bool:
        """Whether something is to be fed."""
        return bool(self._todo)

    def touch(self, job_uid: str) -> None:
        """Something of that job has changed, whatever its items say."""
        self._touched.add(job_uid)

    def add(self, keys: Collection[Key]) -> None:
        """These have new items."""
        self._todo.update(keys)

    def see(
        self,
        open_items: Mapping[Key, Mapping[str, int]],
        ended: Collection[Key],
        holds: Mapping[str, Sequence[HoldRecord]],
        serial: int,
        now: datetime,
    ) -> None:
        """What is open now (how many in which state), and of which keys a run with items has ended."""
        for key, own in open_items.items():
            state = (sorted(own.items()), holds.get(key[0]), serial)
            due_at, long_ago = self._due.get(key), self._fed_at.get(key)
            if (
                state != self._seen.get(key)
                or key in ended
                or key[0] in self._touched
                or (due_at is not None and due_at <= now)
                or long_ago is None
                or abs(now - long_ago) >= REGARDLESS
            ):
                self._todo.add(key)
            self._seen[key] = state
        for key in self._seen.keys() - open_items.keys():
            del self._seen[key]
            self._due.pop(key, None)
            self._fed_at.pop(key, None)
        self._touched.clear()

    def take(self, most: int) -> list[Key]:
        """At most so many of those that are to be fed; they are somebody's now."""
        keys = sorted(self._todo)[:most]
        self._todo.difference_update(keys)
        return keys

    def fed(self, key: Key, now: datetime, *, again_at: datetime | None, more: bool) -> None:
        """It was fed; `again_at` its items are due, or there are `more` at once."""
        self._fed_at[key] = now
        self._due.pop(key, None)
        if again_at is not None:
            self._due[key] = again_at
        if more:
            self._todo.add(key)

    def put_off(self, key: Key, until: datetime) -> None:
        """It could not be fed."""
        self._due[key] = until

    def next_at(self) -> datetime | None:
        """When the first of them is due; None when none has a time."""
        return min(self._due.values(), default=None)
