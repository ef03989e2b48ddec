"""Since when, and how far, do the ends of runs count for the schedules that wait for them?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class UpstreamEnd(NamedTuple):
    """A run that has ended, in the order of the events that say so."""

    event_id: int
    instance_id: int
    job_uid: str
    state: str
    at: datetime


class FeedReads(Protocol):
    def all(self) -> dict[tuple[str, str], int]:
        """(job_uid, schedule) → the event after which ends of other jobs count for it."""

    def cursor(self) -> int:
        """The last event whose end of a run has been counted."""

    def ends_after(self, event_id: int, until: int, job_uids: Sequence[str]) -> list[UpstreamEnd]:
        """Ends of runs of these jobs, by events in `(event_id, until]`."""


class FeedWrites(FeedReads, Protocol):
    def set(self, job_uid: str, schedule: str, since_event: int) -> None:
        """Ends count for the schedule from the event after that one on."""

    def drop(self, job_uid: str, schedule: str) -> None:
        """No ends count for the schedule any more."""

    def set_cursor(self, event_id: int) -> None:
        """All ends until that event have been counted."""
