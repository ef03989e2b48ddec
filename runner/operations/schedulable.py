"""What the daemon keeps in memory of an installed job: its schedules and the rules of starting, no more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from runner.declaration.inputs import check_inputs
from runner.operations.installed_jobs import schedules_of, whole
from runner.schedules.end_date import end_date
from runner.schedules.jitter import jitter_for
from runner.schedules.slot import Schedule
from runner.schedules.window import Window
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.vocabulary.duration import parse_duration

_NO_INPUTS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class NamedSchedule:
    """One schedule of a job; `jitter` is this job's own share of it (R12)."""

    name: str
    schedule: Schedule
    jitter: timedelta
    start_deadline: timedelta | None


@dataclass(frozen=True, slots=True)
class SchedulableJob:
    """An installed job as the scheduler and the dispatcher see it."""

    uid: str
    name: str
    digest: str
    execution_digest: str
    revision: int
    hidden: bool
    schedules: tuple[NamedSchedule, ...]
    overlap: str
    limit: int | None
    missed: str
    missed_max_age: timedelta
    missed_max_runs: int
    deadline: timedelta | None
    inputs: Mapping[str, Any]
    external: str | None = None
    """`webhook` or `poll` when another system executes it: how that learns that it is time."""
    ends_at: datetime | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    """Of those of its schedules that have some."""

    def may_begin(self, run: InstanceRecord, now: datetime) -> bool:
        """Whether a run of it may be claimed now: its window is open, and long enough (I4)."""
        window = window_of(run, self.windows)
        if window is None:
            return True
        opening = window.opening_at(now)
        return opening is not None and opening.may_start(now)


BY_JOB = "job"
"""The origin of a start that the job's own code asked for. It is automatic: every hold that drops a slot
drops it too.
"""


def window_of(run: InstanceRecord, windows: Mapping[str, Window]) -> Window | None:
    """Of the windows of its job, by the name of their schedule, those that a run is bound to.

    A start by hand is bound to none, and neither is what a trigger starts. A schedule that was given another
    name is told by the range of the run.
    """
    if run.schedule is None or run.origin not in ("slot", BY_JOB):
        return None
    renamed = (each for each in windows.values() if each.range_key == run.slot_key)
    return windows.get(run.schedule) or next(renamed, None)


def schedulable(record: ObjectRecord, installation_id: str, zone: str = "UTC") -> SchedulableJob:
    """The daemon's view of an installed job; DamagedRow when it means nothing any more."""
    return schedulable_whole(whole(record), installation_id, zone)


def schedulable_whole(record: ObjectRecord, installation_id: str, zone: str = "UTC") -> SchedulableJob:
    """The same of a job that was looked at already: one of `installed_jobs`."""
    spec = record.resolved
    automatic = spec["mode"] == "automatic"
    schedules = schedules_of(record)
    return SchedulableJob(
        uid=record.uid,
        name=record.name,
        digest=record.digest,
        execution_digest=record.execution_digest,
        revision=record.revision,
        hidden=bool(spec["hidden"]),
        schedules=tuple(
            _named_schedule(name, schedule, spec["schedules"][name], record.uid, installation_id)
            for name, schedule in schedules.items()
        )
        if automatic
        else (),
        overlap=spec["concurrency"]["policy"],
        limit=spec["concurrency"]["limit"],
        missed=spec["missed"]["policy"],
        missed_max_age=parse_duration(spec["missed"]["maxAge"]),
        missed_max_runs=spec["missed"]["maxRuns"],
        deadline=_duration_or_none(spec["deadline"]),
        inputs=check_inputs(spec["inputs"], spec["with"])[0] if spec["inputs"] else _NO_INPUTS,
        external=_means(spec),
        ends_at=end_date(spec, zone),
        windows={name: each for name, each in schedules.items() if isinstance(each, Window)},
    )


def _means(spec: Mapping[str, Any]) -> str | None:
    if spec["executor"] != "external":
        return None
    return "webhook" if (spec.get("external") or {}).get("webhook") else "poll"


def _named_schedule(
    name: str, schedule: Schedule, settings: Mapping[str, Any], job_uid: str, installation_id: str
) -> NamedSchedule:
    jitter = settings.get("jitter")
    return NamedSchedule(
        name=name,
        schedule=schedule,
        jitter=jitter_for(job_uid, installation_id, parse_duration(jitter)) if jitter else timedelta(0),
        start_deadline=_duration_or_none(settings.get("startDeadline")),
    )


def _duration_or_none(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)
