"""Which one-time jobs are over without having run? Nobody would notice: nothing of them starts or fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from runner.operations.concern import Concern
from runner.operations.finish_jobs import FINISHED
from runner.operations.list_jobs import JobView
from runner.operations.skip_jobs import SKIPPED
from runner.store.port import Reader

TOLD_FOR = timedelta(days=7)
"""After its end. Longer than a start that was missed: there is no other one."""


def never_ran(reader: Reader, jobs: Iterable[JobView], now: datetime) -> Iterator[Concern]:
    """One for each, for some days."""
    for job in jobs:
        hold = next((hold for hold in job.holds if hold.kind == FINISHED), None)
        if hold is None or now - hold.since > TOLD_FOR:
            continue
        why = hold.reason
        if job.last is not None:
            run = reader.instances.get(job.last.id)
            if run is None or run.state != "SKIPPED" or run.reason == SKIPPED:
                continue
            why = f"its one run {run.id} is SKIPPED: {run.reason}"
        summary = f"it never ran, and is finished: {why}"
        yield Concern("missed", job.name, hold.since, summary, f"runner jobs trigger {job.name} --force")
