"""When was a daemon there, and did its clock go as it should?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StretchRecord:
    """A time in which a daemon was there and its clocks agreed, from `began_at` until (at least) `last_at`.

    `boot_s` counts from the machine's boot, suspend included, and never steps: two stretches of one `boot_id`
    tell how long it really was between them. `moved_s`: by how much the wall clock was put forward (negative:
    back) at its beginning, or for how long the machine slept or the loop stood still before it.

    `began_by`: start, forward, backward (its clock was stepped), suspend (the machine slept) or stall (its
    loop stood). `ended_by`: empty (not yet), stop, as the next began, or lost (kill -9, power cut).
    """

    id: int
    session_id: int
    boot_id: str
    began_at: datetime
    began_boot_s: float
    began_by: str
    moved_s: float
    last_at: datetime
    last_boot_s: float
    ended_by: str


class PresenceReads(Protocol):
    def last(self) -> StretchRecord | None:
        """The newest stretch."""

    def between(self, after: datetime, until: datetime) -> Sequence[StretchRecord]:
        """In the order in which they were: those that reach into the time, with one more on each side."""

    def gaps(self, moment: datetime) -> Sequence[tuple[StretchRecord, StretchRecord]]:
        """What ended before `moment` with what began after it, where one came right after the other.

        In the order in which they were: a clock that is put back comes to the same moment again.
        """

    def is_copy(self) -> bool:
        """Whether this database is a copy that was made for keeping, and no daemon has run on it yet."""


class PresenceWrites(PresenceReads, Protocol):
    def begin(
        self, session_id: int, boot_id: str, *, at: datetime, boot_s: float, by: str, moved_s: float = 0.0
    ) -> int:
        """A new stretch; one that was not ended is ended by the same cause, or `lost` at a daemon's start."""

    def extend(self, id: int, *, at: datetime, boot_s: float) -> None:
        """It goes on until now."""

    def end(self, id: int, *, at: datetime, boot_s: float, by: str) -> None:
        """It is over; `by` says how."""

    def is_copy_no_more(self) -> None:
        """From now on this is the database."""
