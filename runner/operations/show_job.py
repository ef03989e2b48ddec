"""Show one job: how it stands, what it does, where it was declared, and its latest runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.operations.list_jobs import JobView, view_of
from runner.operations.selection import installed
from runner.operations.waiting import waits_for
from runner.store.drilling import DrillRecord
from runner.store.port import Reader
from runner.store.records import InstanceRecord, StepRecord
from runner.vocabulary.errors import DamagedRow

RECENT = 5


@dataclass(frozen=True, slots=True)
class JobDetails:
    """One job, its latest runs (newest first), and the steps that are being carried out right now."""

    view: JobView
    runs: tuple[InstanceRecord, ...]
    current_steps: tuple[StepRecord, ...]
    drill: DrillRecord | None = None
    """What its last crash drill found, of whatever digest."""
    waits: tuple[tuple[int, str], ...] = ()
    """Its runs that are due or paused and do not go on, and what for."""


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
    return JobDetails(view_of(reader, record, now), runs, current, _drill(reader, record.name), waits)


def _drill(reader: Reader, name: str) -> DrillRecord | None:
    """A row that cannot be read is told, and the job is shown all the same."""
    try:
        return reader.drills.get(name)
    except DamagedRow as problem:
        reader.note(problem)
        return None
