"""What does the store keep of git sources? How each stands, and which objects are pinned by a rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from runner.vocabulary.identity import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """How a git source stands. Commits are full hex, empty when there was none.

    `attempted` is the commit that was last tried, `applied` the one that was last carried out; the `_ref`s
    say what named them (`main`, `v1.2.3`). `checked_at` is when the remote last answered. `conditions` are by
    type. `asked_at` and `asked_by`: somebody wants a look now; `answered_at` is the `asked_at` that was last
    obeyed.
    """

    name: str
    url: str
    ref: str
    path: str
    attempted: str = ""
    attempted_ref: str = ""
    attempted_at: datetime | None = None
    applied: str = ""
    applied_ref: str = ""
    applied_at: datetime | None = None
    checked_at: datetime | None = None
    next_at: datetime | None = None
    failures: int = 0
    conditions: Mapping[str, Any] = field(default_factory=dict)
    asked_at: datetime | None = None
    asked_by: str = ""
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRecord:
    """One object that a rollback pins: what a bad commit made of it is not carried out.

    `bad_digest` is empty when the bad commit removed the object. `bad_own` is a digest of the object's own
    declaration and files there; empty when only something that it refers to had changed. `revision` is the
    one that it is pinned to; None: it did not exist, and stays away. `bad_serial` and `to_serial` are the
    applies that were taken back and gone back to.
    """

    id: int = 0
    source: str
    address: Address
    uid: str
    revision: int | None
    bad_commit: str
    bad_digest: str
    bad_own: str
    bad_serial: int
    to_serial: int
    since: datetime
    who: str
    why: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""


class SourceReads(Protocol):
    def all(self) -> list[SourceRecord]:
        """By name."""

    def get(self, name: str) -> SourceRecord | None:
        """One source."""


class SourceWrites(SourceReads, Protocol):
    def put(self, source: SourceRecord) -> None:
        """In place of the one before; who asked for a look, and when, stays as it is."""

    def ask(self, name: str, *, at: datetime, who: str) -> bool:
        """Somebody wants a look now; False when there is no such source."""

    def answer(self, name: str, asked_at: datetime) -> None:
        """What was asked for until then has been done."""

    def drop(self, name: str) -> None:
        """It is followed no more; what it installed stays."""


class QuarantineReads(Protocol):
    def active(self, source: str | None = None) -> list[QuarantineRecord]:
        """Of that source, or of all; by address."""

    def of_source(self, source: str) -> list[QuarantineRecord]:
        """Those that have ended too, newest first."""


class QuarantineWrites(QuarantineReads, Protocol):
    def begin(self, quarantine: QuarantineRecord) -> None:
        """From now on, in place of one of the same object."""

    def end(self, id: int, *, at: datetime, by: str) -> bool:
        """Whether it was active."""
