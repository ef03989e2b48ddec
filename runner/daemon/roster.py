"""The installed jobs in memory, and when each of their schedules is next due."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from runner.daemon.touched import Touched
from runner.lifecycle.holds import active
from runner.operations.decide_once import due_after, has_its_run, has_one_slot
from runner.operations.finish_jobs import is_done, is_one_time
from runner.operations.schedulable import NamedSchedule, SchedulableJob, schedulable
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.schedules.look_back import slot_until
from runner.schedules.window import Window
from runner.store.port import Reader

Key = tuple[str, str]
"""A job's uid and the name of one of its schedules."""


class Due(NamedTuple):
    """One schedule that has a slot at `at`, whenever it is tried; the name keeps the order stable."""

    at: datetime
    job_name: str
    job_uid: str
    schedule: NamedSchedule


class Roster:
    """All installed jobs, and a heap of their next slots. Held jobs have none until the hold ends.

    `unusable` has the jobs whose installed definition cannot be read, and why: they are left out.
    """

    def __init__(self) -> None:
        self.jobs: Mapping[str, SchedulableJob] = {}
        self.unusable: Mapping[str, Exception] = {}
        self.windows: Mapping[str, Mapping[str, Window]] = {}
        """The windows of each job that has some, by the name of their schedule."""
        self.one_time: frozenset[str] = frozenset()
        self.external: Mapping[str, str] = {}
        """Of the jobs that other systems execute, how those learn that it is time: `webhook` or `poll`."""
        self.serial: int | None = None
        self.zone = "UTC"
        self._heap: list[tuple[datetime, str, str, str]] = []
        self._next: dict[Key, datetime] = {}  # what stands otherwise in the heap is out of date
        self._due_since: dict[Key, datetime] = {}  # of those that are tried again
        self._named: dict[Key, NamedSchedule] = {}
        self._held: set[str] = set()
        self._planned_at = datetime.max.replace(tzinfo=UTC)
        self.hold_ends: datetime | None = None
        self._end_dates: dict[str, datetime] = {}
        self._version: object = None
        self._touched = Touched()
        self._may_be_done: set[str] = set()
        self.draining = False

    def load(self, reader: Reader, installation_id: str, now: datetime) -> bool:
        """Take in what is installed and held now; False when nothing has changed since the last call."""
        holds = reader.holds.all()
        serial = reader.serial()
        version = (serial, sorted((uid, *held) for uid, held in holds.items()))
        if version == self._version and (self.hold_ends is None or self.hold_ends > now):
            return False
        self._take_in(reader, installation_id)
        self.draining = any(hold.kind == "removed" for held in holds.values() for hold in held)
        self._plan(reader, now)
        self._version = version
        self._touched.forget()
        self.serial = serial
        return True

    def _take_in(self, reader: Reader, installation_id: str) -> None:
        self.zone = zone_of_jobs_without_a_schedule(reader)
        known = {} if self._version is None else self.jobs
        jobs: dict[str, SchedulableJob] = {}
        unusable: dict[str, Exception] = {}
        changed = []
        for summary in reader.objects.summaries("Job"):
            job = known.get(summary.uid)
            if job is not None and (job.name, job.digest, job.revision) == (
                summary.name,
                summary.digest,
                summary.revision,
            ):
                jobs[summary.uid] = job
            else:
                changed.append((summary.uid, summary.name))
        for uid, name in changed:
            try:
                record = reader.objects.by_uid(uid)
                if record is not None:
                    jobs[uid] = schedulable(record, installation_id, self.zone)
            except Exception as problem:  # written by another version, damaged, or a zone not known here
                unusable[name] = problem
        self.jobs = jobs
        self.windows = {uid: job.windows for uid, job in jobs.items() if job.windows}
        self.one_time = frozenset(uid for uid, job in jobs.items() if is_one_time(job))
        self.external = {uid: job.external for uid, job in jobs.items() if job.external}
        self.unusable = unusable

    def _plan(self, reader: Reader, now: datetime) -> None:
        holds = reader.holds.all()
        watermarks = reader.slots.watermarks()
        self.hold_ends = min(
            (h.until for held in holds.values() for h in held if h.until is not None and h.until > now),
            default=None,
        )
        self._named = {(job.uid, named.name): named for job in self.jobs.values() for named in job.schedules}
        self._end_dates = {
            uid: job.ends_at
            for uid, job in self.jobs.items()
            if job.ends_at is not None and not any(hold.kind == "expired" for hold in holds.get(uid, ()))
        }
        self._heap, self._next, self._due_since = [], {}, {}
        self._planned_at = now
        self._held = {uid for uid, held in holds.items() if active(held, now)}
        for key, named in self._named.items():
            if key[0] in self._held:
                continue
            watermark = watermarks.get(key)
            at = (
                None
                if has_its_run(reader, key[0], named.schedule)
                else due_after(named.schedule, watermark, now)
            )
            if at is not None:
                self._put(key, at)

    def done(self, reader: Reader, now: datetime) -> list[SchedulableJob]:
        """The one-time jobs of which nothing is to come and nothing under way any more."""
        touched = self._touched.look(reader, now)
        if touched is None:
            self._may_be_done = set(self.one_time)
        else:
            self._may_be_done |= self.one_time.intersection(touched.values())
        waiting = {uid for uid, _ in self._next} if self._may_be_done else set()
        looked_at = self._may_be_done - waiting
        done = [
            self.jobs[uid] for uid in looked_at if uid in self.jobs and is_done(reader, self.jobs[uid], now)
        ]
        self._may_be_done &= waiting | {job.uid for job in done}
        return done

    def _put(self, key: Key, at: datetime) -> None:
        self._next[key] = at
        heapq.heappush(self._heap, (at, self.jobs[key[0]].name, *key))

    def _first(self) -> tuple[datetime, str, str, str] | None:
        while self._heap:
            first = self._heap[0]
            if self._next.get((first[2], first[3])) == first[0]:
                return first
            heapq.heappop(self._heap)
        return None

    def due(self, now: datetime, limit: int) -> list[Due]:
        """At most `limit` schedules with a slot that has fallen due, earliest first; they leave the heap."""
        taken: list[Due] = []
        while len(taken) < limit:
            first = self._first()
            if first is None or first[0] > now:
                break
            heapq.heappop(self._heap)
            at, job_name, uid, name = first
            del self._next[uid, name]
            since = self._due_since.pop((uid, name), at)
            taken.append(Due(since, job_name, uid, self._named[uid, name]))
        return taken

    def decided(self, due: Due, now: datetime) -> None:
        """The slots of this schedule up to `now` are decided: wait for the next one."""
        schedule = due.schedule.schedule
        if has_one_slot(schedule):  # it was due, and has its run; or its window had just closed
            self._may_be_done.add(due.job_uid)
            later = due_after(schedule, None, now)
            if later is not None and later > now:
                self._put_back(due, later)
            return
        slot = schedule.next_after(now)
        if slot is not None:
            self._put_back(due, slot.at)

    def again(self, due: Due, at: datetime | None = None) -> None:
        """Nothing was decided: try the same slot again, at `at` or at once. It stays due since `due.at`."""
        if self._put_back(due, at or due.at):
            self._due_since[due.job_uid, due.schedule.name] = due.at

    def _put_back(self, due: Due, at: datetime) -> bool:
        """Whether it was; else the roster was loaded anew meanwhile, and knows better."""
        key = (due.job_uid, due.schedule.name)
        if self._named.get(key) is not due.schedule or key in self._next:
            return False
        self._put(key, at)
        return True

    def overdue(self, before: datetime) -> list[tuple[datetime, str]]:
        """Slots that were due before that and still wait to be decided, or of which nothing is known any
        more, with the names of their jobs.
        """
        since_when = {**self._next, **self._due_since}
        found = [(since, self.jobs[uid].name) for (uid, _), since in since_when.items() if since < before]
        for key, named in self._named.items():
            lost = key not in self._next and key[0] not in self._held and not has_one_slot(named.schedule)
            if lost and self._planned_at < before and named.schedule.next_after(before) is not None:
                last = slot_until(named.schedule, before)
                since = self._planned_at if last is None else max(last.at, self._planned_at)
                found.append((since, self.jobs[key[0]].name))
        return found

    def forget(self) -> None:
        """Read everything again at the next look; until that has succeeded, what is known is all there is."""
        self._version = None

    def over(self, now: datetime) -> list[str]:
        """The jobs whose end date has passed and that are not held for it yet."""
        return [uid for uid, at in self._end_dates.items() if at <= now]

    def next_end(self, now: datetime) -> datetime | None:
        """The next end date of a job."""
        return min((at for at in self._end_dates.values() if at > now), default=None)

    def next_at(self) -> datetime | None:
        """When the next slot falls due."""
        first = self._first()
        return first[0] if first else None

    def next_start(self) -> tuple[datetime, str] | None:
        """The next slot of a visible job and the name of the job, for people."""
        jobs = self.jobs
        entries = ((at, jobs[uid].name) for (uid, _), at in self._next.items() if not jobs[uid].hidden)
        return min(entries, default=None)
