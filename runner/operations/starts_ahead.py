"""Which starts are to be expected of all jobs, where do clocks change, and where will starts pile up?"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from operator import itemgetter
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from runner.dispatch.crowding import Crowd, Expected, crowds
from runner.lifecycle.holds import active
from runner.operations.installed_jobs import installed_jobs
from runner.operations.schedulable import NamedSchedule, SchedulableJob, schedulable_whole
from runner.operations.settings import PARALLEL, settings
from runner.operations.skip_jobs import SKIPPED_MARK, as_skipped, skipped_ahead
from runner.schedules.slot import Schedule, Slot
from runner.schedules.zones import Transition, transitions, zone_named
from runner.store.holds import HoldRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow

OFTEN = 12
"""Starts a day; who starts more often is told in one line and not start by start."""

MOST = 20_000
"""Slots of one schedule that are looked at."""

MOST_EXPECTED = 2_000_000
"""Starts among which pile-ups are looked for; a few seconds."""

IN_MEMORY = 100_000
"""Of them at a time."""

UNKNOWN_RUN = timedelta(seconds=10)
"""How long a run is expected to take of a job that has never run."""

RUNS = 20
"""The latest runs of a job whose median is the expected duration."""


@dataclass(frozen=True, slots=True)
class StartAhead:
    """One start: its slot, the zone that it follows, and when it is due, with its jitter."""

    job: str
    schedule: str
    slot: Slot
    zone: str
    due_at: datetime
    lasts: timedelta

    @property
    def slot_zone(self) -> ZoneInfo:
        """The zone that its schedule follows."""
        return zone_named(self.zone)


@dataclass(frozen=True, slots=True)
class OftenAhead:
    """A schedule with so many starts that they are counted; `whole` is false when there are still more."""

    job: str
    schedule: str
    zone: str
    first: Slot
    last: Slot
    count: int
    whole: bool


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that will not start, or not before `until`."""

    job: str
    hold: HoldRecord
    until: datetime | None


class _Slots(NamedTuple):
    """What the jobs of one schedule share."""

    slots: tuple[Slot, ...]
    instants: list[datetime]


class _Member(NamedTuple):
    """A job's own part of the instants of a schedule, `[first, end)`, and what its runs are like."""

    job: str
    instants: list[datetime]
    first: int
    end: int
    jitter: timedelta
    lasts: timedelta
    alone: bool


_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Ahead:
    """Everything that is expected in `(after, until]`; `zone` is that of the Runner. Pile-ups are looked for
    until `looked_until`, which is earlier where there are very many starts.
    """

    after: datetime
    until: datetime
    zone: ZoneInfo
    parallel: int
    starts: tuple[StartAhead, ...]
    often: tuple[OftenAhead, ...]
    held: tuple[HeldJob, ...]
    changes: tuple[tuple[str, Transition], ...]
    crowds: tuple[Crowd, ...]
    looked_until: datetime

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The same time as people say it: half-open, a day from midnight to midnight."""
        return self.after + _LEAST, self.until + _LEAST


def starts_ahead(reader: Reader, *, after: datetime, until: datetime, installation_id: str) -> Ahead:
    """As things stand now: holds, end dates and calendars are obeyed, jobs without a schedule left out."""
    installed = settings(reader)
    zone = str(installed.get("timezone") or "UTC")
    holds = reader.holds.all()
    shared: dict[int, _Slots] = {}
    starts: list[StartAhead] = []
    often: list[OftenAhead] = []
    held: list[HeldJob] = []
    members: list[_Member] = []
    zones: dict[str, ZoneInfo] = {}
    skipped = skipped_ahead(reader, after)
    limit = OFTEN * max(1, round((until - after) / timedelta(days=1)))
    for job in _jobs(reader, installation_id, zone):
        begins, hold = _free_from(active(holds.get(job.uid, ()), after), after)
        if hold is not None:
            held.append(HeldJob(job.name, hold, begins))
            if begins is None or begins > until:
                continue
        lasts = _duration(reader, job.uid)
        for named in job.schedules:
            found = _slots(named.schedule, shared, after, until)
            first = bisect_right(found.instants, begins or after)
            end = len(found.instants) if job.ends_at is None else bisect_left(found.instants, job.ends_at)
            if first >= end:
                continue
            zones[named.schedule.zone.key] = named.schedule.zone
            alone = job.overlap not in ("queue", "allow") and job.limit == 1
            member = _Member(job.name, found.instants, first, end, named.jitter, lasts, alone)
            mine = found.slots[first:end] if job.uid in skipped or end - first <= limit else ()
            if job.uid in skipped:
                mine = tuple(as_skipped(each) if each.key in skipped[job.uid] else each for each in mine)
                coming = [each.at for each in mine if SKIPPED_MARK not in each.marks]
                member = member._replace(instants=coming, first=0, end=len(coming))
            members.append(member)
            if end - first > limit:
                each = found.slots
                often.append(OftenAhead(job.name, named.name, named.schedule.zone.key, each[first],
                                        each[end - 1], end - first, len(each) < MOST))  # fmt: skip
            else:
                starts += [_start(job, named, slot, lasts) for slot in mine]
    parallel = int(installed.get("parallel") or PARALLEL)
    looked_until = _looked_until(members, after, until)
    return Ahead(
        after,
        until,
        zone_named(zone),
        parallel,
        tuple(sorted(starts, key=lambda start: (start.due_at, start.job, start.slot.key))),
        tuple(often),
        tuple(held),
        tuple(_changes(zones, after, until)),
        crowds(_expected(members, after, looked_until), parallel),
        looked_until,
    )


def _jobs(reader: Reader, installation_id: str, zone: str) -> Iterator[SchedulableJob]:
    for record in installed_jobs(reader):
        try:
            yield schedulable_whole(record, installation_id, zone)
        except DamagedRow as problem:
            reader.note(problem)


def _free_from(holds: Sequence[HoldRecord], after: datetime) -> tuple[datetime | None, HoldRecord | None]:
    """From when a job starts again, None for never; and the hold that lasts longest."""
    if not holds:
        return after, None
    endless = next((hold for hold in holds if hold.until is None), None)
    if endless is not None:
        return None, endless
    last = max(holds, key=lambda hold: hold.until or after)
    return last.until, last


def _slots(schedule: Schedule, shared: dict[int, _Slots], after: datetime, until: datetime) -> _Slots:
    """Jobs that share a schedule share its answer: equal schedules are one object."""
    found = shared.get(id(schedule))
    if found is None:
        slots = tuple(islice(schedule.between(after, until), MOST))
        found = shared[id(schedule)] = _Slots(slots, [slot.at for slot in slots])
    return found


def _looked_until(members: Sequence[_Member], after: datetime, until: datetime) -> datetime:
    """Until when pile-ups are looked for: not further than the first MOST_EXPECTED starts, more or less."""
    count = sum(each.end - each.first for each in members)
    return until if count <= MOST_EXPECTED else after + (until - after) * (MOST_EXPECTED / count)


def _expected(members: Sequence[_Member], after: datetime, until: datetime) -> Iterator[Expected]:
    """The starts of all in the order of their time; of one instant in the order of the members.

    A part of the time after the other, so that only its starts are in memory.
    """
    count = sum(each.end - each.first for each in members)
    step = max((until - after) / max(1, count // IN_MEMORY), timedelta(minutes=1))
    last = max((each.jitter for each in members), default=timedelta(0)) + until
    since = after
    while since < last:
        to = since + step
        part: list[Expected] = []
        for job, instants, first, end, jitter, lasts, alone in members:
            begin = bisect_right(instants, since - jitter, first, end)
            stop = bisect_right(instants, min(to - jitter, until), begin, end)
            if begin < stop:
                part += [Expected(at + jitter, job, lasts, alone) for at in instants[begin:stop]]
        part.sort(key=itemgetter(0))
        yield from part
        since = to


def _duration(reader: Reader, uid: str) -> timedelta:
    ends = [end for end in reader.instances.ends_of(uid, RUNS) if end.started_at is not None]
    seconds = [(end.completed_at - end.started_at).total_seconds() for end in ends if end.started_at]
    return timedelta(seconds=max(0.0, median(seconds))) if seconds else UNKNOWN_RUN


def _start(job: SchedulableJob, named: NamedSchedule, slot: Slot, lasts: timedelta) -> StartAhead:
    return StartAhead(job.name, named.name, slot, named.schedule.zone.key, slot.at + named.jitter, lasts)


def _changes(
    zones: Mapping[str, ZoneInfo], after: datetime, until: datetime
) -> Iterable[tuple[str, Transition]]:
    found = [(name, change) for name, zone in zones.items() for change in transitions(zone, after, until)]
    return sorted(found, key=lambda each: (each[1].at, each[0]))
