"""What is installed: every object of a tree that was applied, and its tombstone afterwards?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from runner.vocabulary.identity import Address, Place

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """One object as a plan wants it installed. `files`: path relative to the source root → sha256 hex."""

    kind: str
    name: str
    source: str
    file: str
    line: int
    digest: str
    execution_digest: str
    declared: Mapping[str, Any]
    resolved: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    enabled: bool | None = None
    protected: bool = False
    prune_disabled: bool = False
    commit: str | None = None
    dirty: bool = False

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord(NewObject):
    """One installed object with its current revision; `removed_at` makes it a tombstone."""

    uid: str
    revision: int
    installed_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


class InstalledSummary(NamedTuple):
    """What a plan compares: cheap by the ten thousand, no JSON decoded."""

    uid: str
    kind: str
    name: str
    source: str
    file: str
    line: int
    digest: str
    execution_digest: str
    revision: int
    flags: int
    """`enabled` (0 omitted, 1 false, 2 true) × 4 + `protected` × 2 + `prune_disabled`: one cell to decode."""

    @property
    def enabled(self) -> bool | None:
        return (None, False, True)[self.flags >> 2]

    @property
    def protected(self) -> bool:
        return bool(self.flags & 2)

    @property
    def prune_disabled(self) -> bool:
        return bool(self.flags & 1)

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


class ObjectReads(Protocol):
    """What is installed. Tombstones appear only where that is said."""

    def summaries(self, kind: str | None = None) -> list[InstalledSummary]:
        """Every installed object, in no order."""

    def get(self, address: Address) -> ObjectRecord | None:
        """The installed object of that address."""

    def by_uid(self, uid: str) -> ObjectRecord | None:
        """Tombstones too."""

    def all(self, kind: str | None = None) -> list[ObjectRecord]:
        """Sorted by kind and name."""

    def schedules(self) -> dict[str, int]:
        """The schedules (JSON text of a map) of the installed jobs that start by themselves and are not held,
        each with how many jobs have exactly these."""

    def tombstones(self) -> list[ObjectRecord]:
        """What was uninstalled and is kept for its history, first removed first."""


class ObjectWrites(ObjectReads, Protocol):
    """Carries a plan out; events `installed updated moved uninstalled` are written with it."""

    def install(
        self, new: NewObject, *, at: datetime, who: str, why: str = "", uid: str | None = None
    ) -> str:
        """Its uid. A tombstone of the same address comes back to life with its uid, slots and history."""

    def update(
        self, uid: str, new: NewObject, *, expected_digest: str, at: datetime, who: str, why: str = ""
    ) -> int:
        """The new revision; ChangedMeanwhile when another digest is installed. The address stays."""

    def move(self, uid: str, to: Address, *, at: datetime, who: str, why: str = "") -> None:
        """Give it another name; uid, holds, slots and history stay."""

    def relocate(self, uid: str, *, file: str, line: int, commit: str | None, dirty: bool) -> None:
        """Same content at another place of the tree: no new revision."""

    def remove(self, uid: str, *, expected_digest: str, at: datetime, who: str, why: str = "") -> None:
        """Make it a tombstone; ChangedMeanwhile when unfinished runs exist or another digest is installed."""
