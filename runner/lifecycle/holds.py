"""Holds: the reasons why a job may not start by itself, each with an owner, and each ended by its owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

BLOCKING = frozenset({"new", "git", "operator", "group", "removed", "expired", "finished", "maintenance"})
"""Kinds that make a job DISABLED; `group:<name>` counts as `group`."""

OTHER = frozenset({"paused", "failure", "auth", "missing_ref"})
"""Kinds that stop automatic starts without making the job DISABLED."""


CLOCK_STEPPED = "system:clock-step"
"""The owner of the holds after the clock was put far back (R14): starts that are due already wait then."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a job may not start, who says so, since when, and until when (None: until somebody clears it)."""

    kind: str
    owner: str
    reason: str
    since: datetime
    until: datetime | None = None


class Held(Protocol):
    """What the rules read of a hold; a store's own record will do."""

    @property
    def kind(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def until(self) -> datetime | None: ...


H = TypeVar("H", bound=Held)


def family(kind: str) -> str:
    """`group` for `group:nightly`, the kind itself otherwise."""
    return kind.partition(":")[0]


def is_blocking(kind: str) -> bool:
    """Whether a hold of this kind makes the job DISABLED."""
    return family(kind) in BLOCKING


def active(holds: Iterable[H], now: datetime) -> tuple[H, ...]:
    """The holds that have not ended by themselves, in the order of their kinds."""
    return tuple(
        sorted((h for h in holds if h.until is None or h.until > now), key=lambda h: (h.kind, h.owner))
    )
