"""What keeps a job from starting by itself?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One reason why a job does not start by itself. `until` ends it by itself."""

    object_uid: str
    kind: str
    owner: str
    reason: str
    since: datetime
    until: datetime | None = None


class HoldReads(Protocol):
    def of(self, uid: str) -> list[HoldRecord]:
        """Of one object, by kind and owner; those that are over too, until somebody clears them."""

    def all(self) -> dict[str, list[HoldRecord]]:
        """Of installed objects: uid → holds; objects without a hold are absent."""

    def ending_before(self, instant: datetime) -> list[HoldRecord]:
        """Of installed objects, those whose `until` is that instant or before it, first ending first."""

    def next_end(self) -> datetime | None:
        """When the first hold ends by itself; None when none does."""


class HoldWrites(HoldReads, Protocol):
    def add(self, uid: str, hold: HoldRecord, *, who: str = "", why: str = "") -> bool:
        """Whether anything changed. One hold per (object, kind, owner): the same again only renews it."""

    def clear(
        self, uid: str, kind: str, owner: str | None = None, *, at: datetime, who: str, why: str = ""
    ) -> bool:
        """Whether there was one; owner None clears every owner's."""
