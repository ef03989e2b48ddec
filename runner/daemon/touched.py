"""To which runs has something happened since the last look? So that a look goes not through all that wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from runner.store.port import Reader

MOST = 500
"""Runs that are told one by one; of more, all are looked at."""

ALL = timedelta(seconds=60)
"""All are looked at so often, whatever was told: nothing may be forgotten."""


class Touched:
    """Every transition of a run has an event, whoever made it, and events have one order."""

    def __init__(self) -> None:
        self._since: int | None = None
        self._all_at: datetime | None = None

    def forget(self) -> None:
        """Look at all of them next time."""
        self._since = None

    def look(self, reader: Reader, now: datetime) -> Mapping[int, str] | None:
        """Run → uid of its job, of those that something has happened to; None: look at all."""
        last = reader.events.last_id()
        since, self._since = self._since, last
        is_fresh = self._all_at is not None and self._all_at - ALL <= now < self._all_at
        if since is None or last < since or not is_fresh:
            self._all_at = now + ALL
            return None
        if last == since:
            return {}
        found = reader.events.runs_since(since, MOST + 1)
        return None if len(found) > MOST else found
