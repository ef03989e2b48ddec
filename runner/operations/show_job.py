"""Show one job: how it stands, what it does, where it was declared, and its latest runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.operations.list_jobs import JobView, view_of
from runner.operations.refusals import refusals_of
from runner.operations.selection import installed
from runner.operations.waiting import waits_for
from runner.store.drills import DrillRecord
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.store.refusals import RefusalRecord
from runner.store.steps import StepRecord
from runner.vocabulary.errors import DamagedRow

RECENT = 5


LOOKED_BACK = 1000
"""So many runs are looked at to find the first failure of a row of them."""


@dataclass(frozen=True, slots=True)
class Failing:
    """The first run of those that have failed without a success since, and the commit of its definition.

    `changed`: the run that had succeeded before it had another definition.
    """

    run: int
    since: datetime
    commit: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class JobDetails:
    """One job, its latest runs (newest first), and the steps that are being carried out right now."""

    view: JobView
    runs: tuple[InstanceRecord, ...]
    current_steps: tuple[StepRecord, ...]
    drill: DrillRecord | None = None
    """What its last crash drill found, of whatever digest."""
    failing: Failing | None = None
    """Since when it fails, and what had changed just before."""
    waits: tuple[tuple[int, str], ...] = ()
    """Its runs that are due or paused and do not go on, and what for."""
    refused: tuple[RefusalRecord, ...] = ()
    """Requests to its webhooks that were not taken in the last week, by reason."""


def show_job(reader: Reader, name: str, *, now: datetime) -> JobDetails:
    """The job of that name, hidden or not; UnknownName when there is none."""
    record = installed(reader, "Job", name)
    runs = tuple(reader.instances.list(job_uid=record.uid, limit=RECENT))
    running = [run.id for run in runs if run.state == "RUNNING"]
    steps = reader.steps.of_all(running) if running else {}
    current = tuple(step for own in steps.values() for step in own if step.state == "STARTED")
    waits = tuple(
        (run.id, waiting.text)
        for run in reader.instances.unfinished_of(record.uid)
        if (waiting := waits_for(reader, run, now)) is not None
    )
    drill, failing = _drill(reader, record.name), _failing(reader, record.uid)
    refused = refusals_of(reader, record.uid)
    return JobDetails(view_of(reader, record, now), runs, current, drill, failing, waits, refused)


def _failing(reader: Reader, uid: str) -> Failing | None:
    """The first of the failures that have followed each other until now."""
    first, before = None, None
    for end in reader.instances.ends_of(uid, LOOKED_BACK):
        if end.state == "SUCCEEDED":
            before = end
            break
        if end.state == "FAILED":
            first = end
    run = reader.instances.get(first.id) if first is not None else None
    if run is None:
        return None
    good = reader.instances.get(before.id) if before is not None else None
    pinned = reader.revisions.record(uid, run.digest)
    return Failing(
        run.id,
        run.first_started_at or run.created_at,
        pinned.commit if pinned is not None else None,
        good is not None and good.digest != run.digest,
    )


def _drill(reader: Reader, name: str) -> DrillRecord | None:
    """A row that cannot be read is told, and the job is shown all the same."""
    try:
        return reader.drills.get(name)
    except DamagedRow as problem:
        reader.note(problem)
        return None
