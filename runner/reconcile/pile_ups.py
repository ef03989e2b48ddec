"""At which instants would more starts be due at once than may run at the same time?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from runner.schedules.kinds import schedule_from
from runner.vocabulary.identity import Address
from runner.vocabulary.instants import to_text

LOOKED_AT = 64
"""Instants at most, the fullest first."""

_INSTANT = timedelta(microseconds=1)


class PileUp(NamedTuple):
    """One instant at which `after` starts are due with the plan and `before` without it. `gained` are jobs
    that the plan brings there."""

    at: datetime
    before: int
    after: int
    parallel: int
    gained: tuple[Address, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "at": to_text(self.at),
            "before": self.before,
            "after": self.after,
            "parallel": self.parallel,
            "gained": [str(address) for address in self.gained],
        }


def new_pile_ups(
    gained: Mapping[datetime, list[Address]],
    lost: Mapping[datetime, int],
    crowd: Mapping[str, tuple[Mapping[str, Any], int]],
    parallel: int,
) -> tuple[PileUp, ...]:
    """The instants at which the plan brings more starts together than may run, and there were fewer before.

    `crowd` has the schedules of the jobs that start by themselves today, each with how many use it. Schedules
    with jitter are spread already and do not count.
    """
    found = []
    fullest = sorted(gained, key=lambda at: (-len(gained[at]), at))[:LOOKED_AT]
    for at in fullest:
        before = sum(count for settings, count in crowd.values() if is_due(settings, at))
        after = before - lost.get(at, 0) + len(gained[at])
        if after > parallel and before <= parallel:
            found.append(PileUp(at, before, after, parallel, tuple(sorted(gained[at]))))
    return tuple(sorted(found))


def is_due(settings: Mapping[str, Any], at: datetime) -> bool:
    """Whether a schedule has a slot at exactly that instant, and nothing spreads it."""
    if settings.get("jitter"):
        return False
    try:
        schedule = schedule_from(settings)
    except ValueError:
        return False
    return next(iter(schedule.between(at - _INSTANT, at)), None) is not None
