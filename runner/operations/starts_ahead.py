"""Which starts are to be expected of all jobs, where do clocks change, and where will starts pile up?"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from statistics import median
from zoneinfo import ZoneInfo

from runner.dispatch.crowding import Crowd, Expected, crowds
from runner.lifecycle.holds import active
from runner.operations.installed_jobs import installed_jobs
from runner.operations.schedulable import NamedSchedule, SchedulableJob, schedulable
from runner.operations.settings import PARALLEL, settings
from runner.schedules.slot import Schedule, Slot
from runner.schedules.zones import Transition, transitions, zone_named
from runner.store.holds import HoldRecord
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow

OFTEN = 12
"""Starts a day; who starts more often is told in one line and not start by start."""

MOST = 20_000
"""Slots of one schedule that are looked at."""

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


@dataclass(frozen=True, slots=True)
class Ahead:
    """Everything that is expected in `(after, until]`; `zone` is that of the Runner."""

    after: datetime
    until: datetime
    zone: ZoneInfo
    parallel: int
    starts: tuple[StartAhead, ...]
    often: tuple[OftenAhead, ...]
    held: tuple[HeldJob, ...]
    changes: tuple[tuple[str, Transition], ...]
    crowds: tuple[Crowd, ...]


def starts_ahead(reader: Reader, *, after: datetime, until: datetime, installation_id: str) -> Ahead:
    """As things stand now: holds, end dates and calendars are obeyed, jobs without a schedule left out."""
    installed = settings(reader)
    zone = str(installed.get("timezone") or "UTC")
    holds = reader.holds.all()
    shared: dict[int, tuple[Slot, ...]] = {}
    starts: list[StartAhead] = []
    often: list[OftenAhead] = []
    held: list[HeldJob] = []
    expected: list[list[Expected]] = []
    zones: dict[str, ZoneInfo] = {}
    limit = OFTEN * max(1, round((until - after) / timedelta(days=1)))
    for job in _jobs(reader, installation_id, zone):
        begins, hold = _free_from(active(holds.get(job.uid, ()), after), after)
        if hold is not None:
            held.append(HeldJob(job.name, hold, begins))
            if begins is None or begins > until:
                continue
        lasts = _duration(reader, job.uid)
        for named in job.schedules:
            slots = [
                slot
                for slot in _slots(named.schedule, shared, after, until)
                if slot.at > (begins or after) and (job.ends_at is None or slot.at < job.ends_at)
            ]
            if not slots:
                continue
            zones[named.schedule.zone.key] = named.schedule.zone
            alone = job.overlap not in ("queue", "allow") and job.limit == 1
            expected.append([Expected(slot.at + named.jitter, job.name, lasts, alone) for slot in slots])
            if len(slots) > limit:
                whole = len(slots) < MOST
                often.append(OftenAhead(job.name, named.name, named.schedule.zone.key, slots[0], slots[-1],
                                        len(slots), whole))  # fmt: skip
            else:
                starts += [_start(job, named, slot, lasts) for slot in slots]
    parallel = int(installed.get("parallel") or PARALLEL)
    return Ahead(
        after,
        until,
        zone_named(zone),
        parallel,
        tuple(sorted(starts, key=lambda start: (start.due_at, start.job, start.slot.key))),
        tuple(often),
        tuple(held),
        tuple(_changes(zones, after, until)),
        crowds(heapq.merge(*expected), parallel),
    )


def _jobs(reader: Reader, installation_id: str, zone: str) -> Iterator[SchedulableJob]:
    for record in installed_jobs(reader):
        try:
            yield schedulable(record, installation_id, zone)
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


def _slots(
    schedule: Schedule, shared: dict[int, tuple[Slot, ...]], after: datetime, until: datetime
) -> tuple[Slot, ...]:
    """Jobs that share a schedule share its answer: equal schedules are one object."""
    found = shared.get(id(schedule))
    if found is None:
        found = shared[id(schedule)] = tuple(islice(schedule.between(after, until), MOST))
    return found


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
