"""Which of the items that wait make a start now, and may another one wait? One answer, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from runner.schedules.trigger import Flow

MOST_ITEMS = 1000
MOST_BYTES = 1 << 20
"""Of what one run is told about its items: it is kept with the run, and reaches its process in one line."""


class Waiting(NamedTuple):
    """An item that waits; `size` is that of what a run is told of it, in bytes."""

    id: int
    arrived_at: datetime
    size: int = 0


@dataclass(frozen=True, slots=True)
class Take:
    """These make a start, oldest first."""

    ids: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing starts before `until`, if nothing else arrives; None: before something does."""

    until: datetime | None
    reason: str


def to_look_at(flow: Flow) -> tuple[int, ...]:
    """How many of the oldest items `decide_feed` is to see, however long the queue is: for each next number
    the answer before it was a start. One tells already that it is too early for a batch.
    """
    if flow.quiet is not None:
        return (MOST_ITEMS + 1,)
    return (1, flow.size) if flow.size > 1 else (1,)


def decide_feed(
    waiting: Sequence[Waiting], flow: Flow, now: datetime, *, number: int | None = None
) -> Take | NotYet:
    """What becomes of the items that wait, oldest first, when the job has room for a start. `number` is how
    many wait, when `waiting` has only the oldest of them (`to_look_at`).
    """
    number = len(waiting) if number is None else number
    if not waiting:
        return NotYet(None, "nothing waits")
    first, last = waiting[0].arrived_at, waiting[-1].arrived_at
    if flow.quiet is not None:
        quiet_at, latest_at = last + flow.quiet, first + flow.at_most
        if now < (due := min(quiet_at, latest_at)) and first <= now:
            return NotYet(due, "more may arrive")
        return Take(_fitting(waiting, MOST_ITEMS), "quiet" if now >= quiet_at else "waited long enough")
    if flow.linger is not None:
        return Take((), "to be worked through") if _is_ripe(first, number, flow, now) else _later(first, flow)
    if not _is_ripe(first, number, flow, now):
        return _later(first, flow)
    reason = "enough" if number >= flow.size else "waited long enough"
    return Take(_fitting(waiting, flow.size), reason if flow.size > 1 else "arrived")


class Overflow(NamedTuple):
    """What an arrival does to a queue: `accept`, `refuse`, `drop-newest`, or `drop-oldest` so many."""

    action: str
    drop: int = 0


def decide_arrival(waiting: int, flow: Flow) -> Overflow:
    """Whether one more may wait beside `waiting`."""
    if waiting < flow.limit:
        return Overflow("accept")
    if flow.overflow == "drop-oldest":
        return Overflow("drop-oldest", waiting - flow.limit + 1)
    return Overflow(flow.overflow)


def room_for(policy: str, limit: int | None, unfinished: int) -> int:
    """How many more runs of a job may be made now; what does not fit goes on waiting as items.

    A newer run that replaces the older one needs no room; one that may overlap has any.
    """
    if policy == "replace" or limit is None:
        return MOST_ITEMS
    return max(0, limit - unfinished)


def _is_ripe(first: datetime, number: int, flow: Flow, now: datetime) -> bool:
    # An item from the future was written before the clock went back: it is not waited for.
    return number >= flow.size or not first <= now < first + flow.within


def _later(first: datetime, flow: Flow) -> NotYet:
    return NotYet(first + flow.within, f"fewer than {flow.size} wait")


def _fitting(waiting: Sequence[Waiting], most: int) -> tuple[int, ...]:
    """The oldest, as many as may go together; always one."""
    ids: list[int] = []
    size = 0
    for item in waiting[:most]:
        size += item.size
        if ids and size > MOST_BYTES:
            break
        ids.append(item.id)
    return tuple(ids)


def is_late(arrived_at: datetime, start_deadline: timedelta | None, now: datetime) -> bool:
    """Whether an item has waited longer than its schedule's `startDeadline` allows."""
    return start_deadline is not None and now > arrived_at + start_deadline
