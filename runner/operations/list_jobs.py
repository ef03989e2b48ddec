"""List jobs: the status, the holds and the next start of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.lifecycle.holds import active
from runner.lifecycle.job import job_status, why_it_waits
from runner.lifecycle.pausing import WINDOW
from runner.operations.installed_jobs import installed_jobs, schedules_of
from runner.operations.selection import labels_match, unknown
from runner.schedules.end_date import end_date
from runner.schedules.slot import Schedule
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord, LatestInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.store.slots import Watermark
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.identity import Address

SORTS: dict[str, Callable[[JobView], Any]] = {
    "name": lambda job: job.name,
    "status": lambda job: (job.status, job.name),
    "type": lambda job: (job.type, job.name),
    "next": lambda job: (job.next_at is None, job.next_at, job.name),
    "last": lambda job: (-(job.last_instance_id or 0), job.name),
}


@dataclass(frozen=True, slots=True)
class JobView:
    """One job as a person sees it now."""

    record: ObjectRecord
    status: str
    detail: str
    holds: tuple[HoldRecord, ...]
    next_at: datetime | None
    last: LatestInstance | None
    waiting: tuple[InstanceRecord, ...]
    items: Mapping[str, int] = field(default_factory=dict)
    """Of its triggers: state → how many, of what is not dealt with (WAITING, TAKEN, MOVING) or has FAILED."""

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def type(self) -> str:
        return str(self.record.resolved["type"])

    @property
    def hidden(self) -> bool:
        """Whether it is listed only when that is asked for."""
        return bool(self.record.resolved["hidden"])

    @property
    def last_instance_id(self) -> int | None:
        return None if self.last is None else self.last.id


def list_jobs(
    reader: Reader,
    *,
    now: datetime,
    selector: str | None = None,
    group: str | None = None,
    status: str | None = None,
    type_: str | None = None,
    flow: str | None = None,
    sort: str = "name",
) -> tuple[JobView, ...]:
    """The installed jobs that fit all of the filters, sorted. Hidden (system) jobs too."""
    fits = labels_match(selector) if selector is not None else None
    if group is not None and reader.objects.get(Address("Group", group)) is None:
        raise unknown("Group", group, (summary.name for summary in reader.objects.summaries("Group")))
    if type_ is not None and type_ not in SHIPPED_JOB_TYPES:
        types = [summary.name for summary in reader.objects.summaries("JobType")]
        if type_ not in types:
            raise unknown("JobType", type_, [*SHIPPED_JOB_TYPES, *types])
    records = [
        record
        for record in installed_jobs(reader)
        if (fits is None or fits(record.labels))
        and (group is None or group in record.resolved["groups"])
        and (type_ is None or record.resolved["type"] == type_)
        and (flow is None or (record.resolved["flow"] or {}).get("direction") == flow)
    ]
    views = (view for view in _views(reader, records, now) if status is None or view.status == status)
    return tuple(sorted(views, key=SORTS[sort]))


def view_of(reader: Reader, record: ObjectRecord, now: datetime) -> JobView:
    """One job as it stands now."""
    return next(iter(_views(reader, [record], now)))


def _views(reader: Reader, records: Iterable[ObjectRecord], now: datetime) -> Iterable[JobView]:
    holds = reader.holds.all()
    live = reader.instances.live_counts()
    latest = reader.instances.latest()
    waiting: dict[str, list[InstanceRecord]] = {}
    for instance in reader.instances.waiting():
        waiting.setdefault(instance.job_uid, []).append(instance)
    paused = reader.instances.list(states=("PAUSED",), limit=None)
    of_windows = {run.job_uid for run in paused if run.pauses == (WINDOW,)}
    of_others = {run.job_uid for run in paused if run.pauses != (WINDOW,)}
    marks = reader.slots.watermarks()
    items = _items(reader)
    for record in records:
        own = active(holds.get(record.uid, ()), now)
        starts = tuple(waiting.get(record.uid, ()))
        status = job_status(
            own,
            live.get(record.uid, 0),
            paused=record.uid in of_others,
            window_closed=record.uid in of_windows,
            **why_it_waits(starts, now),
        )
        yield JobView(
            record,
            status.status,
            status.detail,
            own,
            _next_at(
                reader,
                record,
                own,
                starts,
                marks,
                now,
                under_way=record.uid in of_windows | of_others or bool(live.get(record.uid)),
            ),
            latest.get(record.uid),
            starts,
            items.get(record.uid, {}),
        )


def _items(reader: Reader) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (uid, _), counts in reader.arrivals.counts().items():
        own = found.setdefault(uid, {})
        for state, count in counts.items():
            own[state] = own.get(state, 0) + count
    return found


def _next_at(
    reader: Reader,
    record: ObjectRecord,
    holds: tuple[HoldRecord, ...],
    waiting: tuple[InstanceRecord, ...],
    marks: Mapping[tuple[str, str], Watermark],
    now: datetime,
    *,
    under_way: bool,
) -> datetime | None:
    """When it starts next by itself: a start that waits for its time, or the next slot; None while held.

    The openings of a range are those in which its run goes on, as long as that is under way.

    A watermark that is ahead of the time is behind a slot that was skipped by hand.
    """
    if holds:
        return None
    times = [instance.due_at for instance in waiting if instance.due_at > now]
    if record.resolved["mode"] == "automatic" and record.resolved["schedules"]:
        try:
            slots = [
                schedule.next_after(max(now, mark.at) if mark else now)
                for name, schedule in schedules_of(record).items()
                for mark in (marks.get((record.uid, name)),)
                if under_way or waiting or mark is None or not _is_over(schedule, mark)
            ]
        except DamagedRow as problem:
            reader.note(problem)
            return None
        times += [slot.at for slot in slots if slot is not None]
    ends_at = _ends_at(record)
    return min((at for at in times if ends_at is None or at < ends_at), default=None)


def _ends_at(record: ObjectRecord) -> datetime | None:
    """When its `validUntil` is over; a job without schedules has no next start that it could cut off."""
    try:
        return end_date(record.resolved, "UTC") if record.resolved["schedules"] else None
    except ValueError:  # it is told where it is read for the daemon
        return None


def _is_over(schedule: Schedule, mark: Watermark) -> bool:
    """Whether the one slot of a range has been decided: its further openings start nothing."""
    return mark.slot_key is not None and mark.slot_key == getattr(schedule, "range_key", None)
