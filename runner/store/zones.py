"""By which rules of each zone were times reckoned?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """The rules of a zone in use: a file of the tz database, and its version."""

    name: str
    version: str
    noted_at: datetime
    rules: bytes


class ZoneReads(Protocol):
    def all(self) -> dict[str, ZoneRecord]:
        """name → the rules that were noted last."""


class ZoneWrites(ZoneReads, Protocol):
    def put(self, zone: ZoneRecord) -> None:
        """In place of what was noted before."""
