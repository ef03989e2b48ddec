"""Both sides of a plan: what the tree declares, and what the database has installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from runner.declaration.declared import Declared, Document
from runner.vocabulary.identity import Address

RELEASED = "(released)"
"""The source of an object that no source manages any more: no plan changes or removes it."""


class Installed(Protocol):
    """The record of an installed object, as cheap to list as the store can make it."""

    @property
    def uid(self) -> str: ...
    @property
    def address(self) -> Address: ...
    @property
    def source(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def enabled(self) -> bool | None: ...
    @property
    def protected(self) -> bool: ...
    @property
    def prune_disabled(self) -> bool: ...
    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...


class Held(Protocol):
    """One hold on an installed object."""

    @property
    def kind(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def until(self) -> datetime | None: ...


class Alive(NamedTuple):
    """How much hangs on an installed job: its runs in the last 30 days, and whether it has saved anything."""

    runs: int
    state: bool


class Member(NamedTuple):
    """An installed job of a group that this tree does not declare (another source, or a partial plan)."""

    address: Address
    uid: str


@dataclass(frozen=True, slots=True)
class DeclaredSide:
    """The tree. `documents` is asked only for addresses that changed."""

    objects: Mapping[Address, Declared]
    documents: Mapping[Address, Document]
    source: str
    partial: bool = False
    digest: str = ""
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class InstalledSide:
    """The database. `documents` is asked only for addresses that changed; the rest is by uid.

    `open_runs` counts the instances that are under way (begun, running, paused); `durations` has the running
    times, in seconds, of a job's last runs, newest first; `alive` is asked only for what
    would be removed. `members` has, by group name, the installed jobs
    that the tree does not declare.
    """

    objects: Mapping[Address, Installed] = field(default_factory=dict)
    documents: Mapping[Address, Document] = field(default_factory=dict)
    holds: Mapping[str, Sequence[Held]] = field(default_factory=dict)
    open_runs: Mapping[str, int] = field(default_factory=dict)
    durations: Mapping[str, Sequence[float]] = field(default_factory=dict)
    alive: Mapping[str, Alive] = field(default_factory=dict)
    members: Mapping[str, Sequence[Member]] = field(default_factory=dict)
    lineage: str | None = None
    serial: int = 0


def holds_now(held: Sequence[Held], now: datetime) -> list[Held]:
    """The holds that have not ended by themselves."""
    return [hold for hold in held if hold.until is None or hold.until > now]
