"""A slot: one due start of a schedule, its name (key) and its instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class ScheduleProblem(ValueError):
    """A schedule that means nothing; `field` is the key that is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Slot:
    """One due start. `at` is its instant in UTC, before jitter.

    `local` is what the clocks of the schedule's zone show at that instant, with the offset. `marks` says what
    the zone did to it: `gap` (moved to the first instant after a gap), `fold` (a time that comes twice),
    `merged` (several slots are due at this instant and make one start; `merged` has the further keys).
    """

    key: str
    at: datetime
    local: str
    marks: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    closes_at: datetime | None = None
    """For the opening of a window: when it closes."""

    @property
    def keys(self) -> tuple[str, ...]:
        """All slots that this start stands for, in order of their local times."""
        return (self.key, *self.merged)


class Schedule(Protocol):
    """What every kind of schedule can answer; the time is always handed in."""

    @property
    def kind(self) -> str:
        """The key under which an author writes it: `cron`, `every` or `at`."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose wall clock it follows, or shows times in."""

    def next_after(self, instant: datetime) -> Slot | None:
        """The first slot strictly after `instant`, or None when there is none."""

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The slots in `(after, until]`, in order."""


def slots_between(schedule: Schedule, after: datetime, until: datetime) -> Iterator[Slot]:
    """`Schedule.between`, for a schedule that knows its next slot."""
    slot = schedule.next_after(after)
    while slot is not None and slot.at <= until:
        yield slot
        slot = schedule.next_after(slot.at)


def instant_key(instant: datetime) -> str:
    """The key of a slot that is an instant (R6): `2026-11-21T10:00:00Z`, fractions only where they are."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    milliseconds = instant.microsecond // 1000
    return f"{text}.{milliseconds:03d}Z" if milliseconds else f"{text}Z"


def wall_key(wall: datetime, zone: ZoneInfo) -> str:
    """The key of a clock-like slot (R6): `2026-11-21T02:00[Europe/Berlin]` (as RFC 9557 names zones)."""
    return f"{wall:%Y-%m-%dT%H:%M}[{zone.key}]"


def local_text(instant: datetime, zone: ZoneInfo) -> str:
    """What the zone's clocks show, with the offset: `2026-11-21T11:00:00+01:00`."""
    return instant.astimezone(zone).isoformat(
        timespec="seconds" if not instant.microsecond else "milliseconds"
    )
