"""What has been installed: every revision of an object, as it was declared and what it meant?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord:
    """One revision of an object: what was declared, what it meant, where it came from."""

    uid: str
    revision: int
    digest: str
    execution_digest: str
    declared: Mapping[str, Any]
    resolved: Mapping[str, Any]
    files: Mapping[str, str]
    source: str
    file: str
    line: int
    commit: str | None
    dirty: bool
    created_at: datetime
    who: str


class RevisionReads(Protocol):
    def of(self, uid: str) -> list[RevisionRecord]:
        """Newest first."""

    def get(self, uid: str, digest: str) -> dict[str, Any] | None:
        """The resolved spec that a run is pinned to."""

    def record(self, uid: str, digest: str) -> RevisionRecord | None:
        """The same with its files and place."""

    def blobs_in_use(self) -> set[str]:
        """sha256 of every file that an installed object or an unfinished run may still need."""
