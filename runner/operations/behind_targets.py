"""Does a run over an inventory wait for nothing but targets that other runs work on?"""

from __future__ import annotations

from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.store.tasks import AtWork

LOOKED_AT = 50
"""Of the targets that wait."""


def behind_targets(reader: Reader, run: InstanceRecord) -> AtWork | None:
    """One target that it waits for, and the run that works on it; None when it works on any itself."""
    if run.state != "RUNNING" or not run.targets or reader.tasks.counts(run.id).get("RUNNING"):
        return None
    waiting = reader.tasks.page(run.id, ("RESCHEDULED", "SCHEDULED"), limit=LOOKED_AT)
    found = reader.tasks.at_work(run.id, [task.target for task in waiting])
    return next(iter(found.values()), None)
