"""What does the store keep of applies? Who applies now, and everything that was ever applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """Who holds something, and until when it is theirs. `token` tells this holding from every other."""

    name: str
    token: str
    holder: str
    pid: int
    host: str
    boot_id: str
    commit: str | None
    taken_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyRecord:
    """One apply, for good. `verb` is the command; `approval` says who agreed, and how.

    `allowed` are the guards that were lifted by name. `changes` are plain maps: `action, address, uid,
    before, after, digest, reason, fields`, secrets masked; `left` names what the plan had and was not
    carried out. `previous` and `hash` chain the rows: one that is altered or taken out is noticed.
    """

    serial: int
    at: datetime
    who: str
    verb: str
    approval: str
    source: str
    commit: str | None
    branch: str | None
    dirty: bool
    plan_digest: str
    allowed: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[Mapping[str, Any]] = ()
    left: Sequence[Mapping[str, Any]] = ()
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """The last apply: of which tree, at which commit, when, and by whom."""

    serial: int
    source: str
    tree_digest: str
    commit: str | None
    branch: str | None
    dirty: bool
    at: datetime
    who: str


Records = list[ApplyRecord]


class LeaseReads(Protocol):
    def get(self, name: str) -> LeaseRecord | None:
        """Who holds it, whatever its `expires_at` says; None when nobody does."""


class LeaseWrites(LeaseReads, Protocol):
    def take(self, lease: LeaseRecord) -> None:
        """In place of whoever held it: the caller has looked."""

    def release(self, name: str, token: str) -> bool:
        """Whether it was still held under that token."""


class ApplyReads(Protocol):
    def list(
        self, *, limit: int | None = 50, before: int | None = None, source: str | None = None
    ) -> Records:
        """Newest first; `before` a serial."""

    def get(self, serial: int) -> ApplyRecord | None:
        """One apply; None when there was none of that serial."""

    def between(self, after: int, until: int) -> Records:
        """Those with a serial in `(after, until]`, oldest first."""

    def broken(self) -> Sequence[int]:
        """Serials of those that are not as they were written, or do not follow the one before them."""


class ApplyWrites(ApplyReads, Protocol):
    def add(self, apply: ApplyRecord) -> str:
        """Its hash, chained to the newest row's. There is no other write: rows are never changed."""
