"""Where do our starts differ from cron's, and where would the parallel limit let lines wait?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from runner.crontab.starts import cron_starts
from runner.crontab.times import CronTime
from runner.schedules.slot import Schedule


@dataclass(frozen=True, slots=True)
class Line:
    """One imported line: cron's reading of it in cron's zone, and our schedule."""

    number: int
    name: str
    time: CronTime
    zone: ZoneInfo
    ours: Schedule


@dataclass(frozen=True, slots=True)
class Deviation:
    """One instant at which one of both starts a line more often than the other."""

    line: int
    name: str
    at: datetime
    local: str
    cron: int
    ours: int
    mark: str
    """What the zone does to our slot there: gap, fold, merged; empty when there is none."""


@dataclass(frozen=True, slots=True)
class PileUp:
    """An instant at which more lines start than may run at the same time, in the order of the file."""

    at: datetime
    local: str
    names: tuple[str, ...]
    waiting: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both answers for a range of time; `pile_ups` has each set of lines once, at its first instant."""

    after: datetime
    until: datetime
    starts: int
    deviations: tuple[Deviation, ...]
    pile_ups: tuple[PileUp, ...]
    times_piled_up: int
    parallel: int


def compare(lines: Sequence[Line], after: datetime, until: datetime, parallel: int) -> Comparison:
    """Every difference in `(after, until]`, in the order of time."""
    deviations: list[Deviation] = []
    together: dict[datetime, list[str]] = {}
    known: dict[tuple[CronTime, ZoneInfo, Schedule], _Both] = {}
    starts = 0
    for line in lines:
        key = (line.time, line.zone, line.ours)
        if key not in known:  # lines that share their times are looked at once
            known[key] = _both(line, after, until)
        both = known[key]
        starts += len(both.ours)
        for at in both.ours:
            together.setdefault(at, []).append(line.name)
        deviations += [Deviation(line.number, line.name, *each) for each in both.differ]
    zone = lines[0].zone if lines else None
    piled = [
        PileUp(at, at.astimezone(zone).isoformat(timespec="minutes"), tuple(names), len(names) - parallel)
        for at, names in sorted(together.items())
        if len(names) > parallel
    ]
    deviations.sort(key=lambda each: (each.at, each.line))
    return Comparison(after, until, starts, tuple(deviations), _first_of_each(piled), len(piled), parallel)


class _Both(NamedTuple):
    """Our starts, and the instants at which cron's are others: (at, local, cron, ours, mark)."""

    ours: tuple[datetime, ...]
    differ: tuple[tuple[datetime, str, int, int, str], ...]


def _both(line: Line, after: datetime, until: datetime) -> _Both:
    theirs = Counter(cron_starts(line.time, line.zone, after, until))
    slots = {slot.at: slot for slot in line.ours.between(after, until)}
    differ = []
    for at in sorted(theirs.keys() ^ slots.keys() | {at for at, times in theirs.items() if times > 1}):
        mark = ", ".join(slots[at].marks) if at in slots else ""
        local = at.astimezone(line.zone).isoformat(timespec="minutes")
        differ.append((at, local, theirs[at], int(at in slots), mark))
    return _Both(tuple(slots), tuple(differ))


def _first_of_each(piled: Iterable[PileUp]) -> tuple[PileUp, ...]:
    seen: set[tuple[str, ...]] = set()
    first = []
    for each in piled:
        if each.names not in seen:
            seen.add(each.names)
            first.append(each)
    return tuple(first)
