"""The installed jobs in memory, and when each of their schedules is next due."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from runner.lifecycle.holds import active
from runner.operations.schedulable import NamedSchedule, SchedulableJob, schedulable
from runner.store.port import Reader


class Due(NamedTuple):
    """One schedule that has a slot at `at`; the name keeps the order stable."""

    at: datetime
    job_name: str
    job_uid: str
    schedule: NamedSchedule


class Roster:
    """All installed jobs, and a heap of their next slots. Held jobs have none until the hold ends."""

    def __init__(self) -> None:
        self.jobs: Mapping[str, SchedulableJob] = {}
        self._heap: list[tuple[datetime, str, str, str]] = []
        self._named: dict[tuple[str, str], NamedSchedule] = {}
        self.hold_ends: datetime | None = None
        self._version: object = None
        self.draining = False

    def load(self, reader: Reader, installation_id: str, now: datetime) -> bool:
        """Take in what is installed and held now; False when nothing has changed since the last call."""
        holds = reader.holds.all()
        version = (reader.serial(), sorted((uid, *held) for uid, held in holds.items()))
        if version == self._version and (self.hold_ends is None or self.hold_ends > now):
            return False
        known = self.jobs
        jobs: dict[str, SchedulableJob] = {}
        changed = []
        for summary in reader.objects.summaries("Job"):
            job = known.get(summary.uid)
            if job is not None and job.digest == summary.digest and job.revision == summary.revision:
                jobs[summary.uid] = job
            else:
                changed.append(summary.uid)
        for uid in changed:
            record = reader.objects.by_uid(uid)
            if record is not None:
                jobs[uid] = schedulable(record, installation_id)
        self.jobs = jobs
        self.draining = any(hold.kind == "removed" for held in holds.values() for hold in held)
        self._plan(reader, now)
        self._version = version
        return True

    def _plan(self, reader: Reader, now: datetime) -> None:
        holds = reader.holds.all()
        watermarks = reader.slots.watermarks()
        self.hold_ends = min(
            (h.until for held in holds.values() for h in held if h.until is not None and h.until > now),
            default=None,
        )
        self._named = {(job.uid, named.name): named for job in self.jobs.values() for named in job.schedules}
        heap = []
        for (uid, name), named in self._named.items():
            if active(holds.get(uid, ()), now):
                continue
            watermark = watermarks.get((uid, name))
            slot = named.schedule.next_after(watermark.at if watermark else now)
            if slot is not None:
                heap.append((slot.at, self.jobs[uid].name, uid, name))
        heapq.heapify(heap)
        self._heap = heap

    def due(self, now: datetime, limit: int) -> list[Due]:
        """At most `limit` schedules with a slot that has fallen due, earliest first; they leave the heap."""
        taken: list[Due] = []
        while self._heap and len(taken) < limit and self._heap[0][0] <= now:
            at, job_name, uid, name = heapq.heappop(self._heap)
            named = self._named.get((uid, name))
            if named is not None:
                taken.append(Due(at, job_name, uid, named))
        return taken

    def decided(self, due: Due, now: datetime) -> None:
        """The slots of this schedule up to `now` are decided: wait for the next one."""
        if (due.job_uid, due.schedule.name) not in self._named:
            return
        slot = due.schedule.schedule.next_after(now)
        if slot is not None:
            heapq.heappush(self._heap, (slot.at, due.job_name, due.job_uid, due.schedule.name))

    def again(self, due: Due) -> None:
        """Nothing was decided: try the same slot again."""
        heapq.heappush(self._heap, (due.at, due.job_name, due.job_uid, due.schedule.name))

    def next_at(self) -> datetime | None:
        """When the roster next needs attention: the next slot, or the end of a hold."""
        candidates = [at for at in (self._heap[0][0] if self._heap else None, self.hold_ends) if at]
        return min(candidates, default=None)

    def next_start(self, visible_only: bool = True) -> tuple[datetime, str] | None:
        """The next slot and the name of its job, for people."""
        entries: Iterable[tuple[datetime, str, str, str]] = self._heap
        if visible_only:
            entries = (e for e in entries if not self.jobs[e[2]].hidden)
        first = min(entries, default=None)
        return (first[0], first[1]) if first else None
