"""When will more starts be due than may run at the same time, and how long would they wait?"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

NAMED = 50
"""Jobs named in one pile-up."""


class Expected(NamedTuple):
    """A start that is expected, and how long its run will take.

    One that is `alone` is dropped while an earlier one of its job waits or runs, as the overlap policy says.
    """

    at: datetime
    job: str
    lasts: timedelta
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Crowd:
    """A time in which starts wait for a place: from the first that waits until nobody does any more."""

    at: datetime
    until: datetime
    starts: int
    """Due in it, or under way when it begins."""
    waiting: int
    """How many of them have to wait."""
    longest_wait: timedelta
    jobs: tuple[str, ...]
    """Those that wait, first due first."""


def crowds(starts: Iterable[Expected], parallel: int) -> tuple[Crowd, ...]:
    """The pile-ups of starts that come in the order of their time, first due first served."""
    ends: list[datetime] = []
    found: list[Crowd] = []
    waits: list[tuple[Expected, datetime]] = []
    begun = 0
    free: dict[str, datetime] = {}
    for start in starts:
        if start.alone and free.get(start.job, start.at) > start.at:
            continue
        if waits and start.at >= waits[-1][1]:  # places become free one after the other
            found.append(_crowd(waits, begun))
            waits = []
        while ends and ends[0] <= start.at:
            heapq.heappop(ends)
        at = start.at
        if len(ends) >= parallel:
            at = heapq.heappop(ends)
            if not waits:
                begun = parallel
            waits.append((start, at))
        free[start.job] = at + start.lasts
        heapq.heappush(ends, at + start.lasts)
    if waits:
        found.append(_crowd(waits, begun))
    return tuple(found)


def _crowd(waits: Sequence[tuple[Expected, datetime]], begun: int) -> Crowd:
    return Crowd(
        at=waits[0][0].at,
        until=max(at for _, at in waits),
        starts=begun + len(waits),
        waiting=len(waits),
        longest_wait=max(at - start.at for start, at in waits),
        jobs=tuple(dict.fromkeys(start.job for start, _ in waits))[:NAMED],
    )
