"""Which starts were missed, and which are due and nobody decides them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from runner.operations.concern import Concern
from runner.operations.decide_once import undecided_since
from runner.operations.installed_jobs import schedules_of
from runner.operations.list_jobs import JobView
from runner.store.port import Reader
from runner.vocabulary.errors import DamagedRow

LATELY = timedelta(hours=24)
"""Missed starts further away than this are nobody's business today."""

OVERDUE = timedelta(seconds=60)
"""A slot that nobody has decided for so long is missed (R10)."""

FORGOTTEN = timedelta(minutes=3)
"""A slot that a daemon has not decided for so long was forgotten; its watchdog looks each minute."""


def missed_starts(reader: Reader, jobs: Sequence[JobView], lives: bool, now: datetime) -> Iterator[Concern]:
    """One for each job, unless a later run has SUCCEEDED; `lives`: a daemon runs."""
    by_uid = {job.record.uid: job for job in jobs}
    told: set[str] = set()
    for slot in reader.slots.list(since=now - LATELY, limit=1000):
        job = by_uid.get(slot.job_uid)
        if (
            job is None
            or job.name in told
            or slot.decision != "skipped"
            or not slot.reason.startswith("missed")
        ):
            continue
        told.add(job.name)
        done_since = (
            job.last is not None
            and job.last.state == "SUCCEEDED"
            and job.last.started_at is not None
            and job.last.started_at >= slot.decided_at
        )
        if not done_since:
            hint = f"runner jobs trigger {job.name}"
            yield Concern("missed", job.name, slot.slot_at, f"a start was missed ({slot.reason})", hint)
    yield from _undecided(reader, jobs, lives, now)


def _undecided(reader: Reader, jobs: Sequence[JobView], lives: bool, now: datetime) -> Iterator[Concern]:
    """Slots that are over and that nobody decided: because no daemon runs, or against all expectation."""
    late = FORGOTTEN if lives else OVERDUE
    text = (
        "a start is due, and the daemon does not decide it" if lives else "a start is due, and no daemon runs"
    )
    watermarks = reader.slots.watermarks()
    for job in jobs:
        if job.holds or job.record.resolved["mode"] != "automatic":
            continue
        try:
            schedules = schedules_of(job.record)
        except DamagedRow as problem:
            reader.note(problem)
            continue
        for name, schedule in schedules.items():
            mark = watermarks.get((job.record.uid, name))
            at = None if mark is None else undecided_since(schedule, mark, now)
            if at is not None and now - at > late:
                yield Concern("missed", job.name, at, text, "runner doctor" if lives else "runner up")
                break
