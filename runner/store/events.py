"""What happened? A row for every transition of everything that has states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One thing that happened: `row` is the line of the lifecycle table (`I4`), or empty.

    Subjects: `instance` 12, `task` 12/-, `step` 12/-/load, or an object's kind and name (`Job` nightly).
    """

    id: int
    at: datetime
    subject_kind: str
    subject: str
    event: str
    row: str
    before: str
    after: str
    who: str
    why: str
    details: Mapping[str, Any]


class EventReads(Protocol):
    def of(
        self, subject_kind: str, subject: str, limit: int = 100, *, alone: bool = False
    ) -> list[EventRecord]:
        """Newest first. Of an instance: with those of its tasks and steps, unless `alone`."""

    def since(self, id: int, limit: int = 1000) -> list[EventRecord]:
        """After that id, oldest first."""

    def runs_since(self, id: int, limit: int) -> dict[int, str]:
        """Run → uid of its job, of those that have an event after that id; at most so many."""

    def last_id(self) -> int:
        """Rises with every change that has an event: the cheapest way to notice that something happened."""


class EventWrites(EventReads, Protocol):
    def append(
        self,
        subject_kind: str,
        subject: str,
        event: str,
        *,
        at: datetime,
        who: str,
        why: str = "",
        row: str = "",
        before: str = "",
        after: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Something that is no move of a run, task or step: those write their events themselves.

        `row` is a line of a lifecycle table, or empty; `details` are JSON values.
        """
