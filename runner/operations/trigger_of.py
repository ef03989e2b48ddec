"""Which trigger does an installed job have under that name, now?"""

from __future__ import annotations

from typing import NamedTuple

from runner.operations.installed_jobs import whole
from runner.schedules.kinds import schedule_from
from runner.schedules.trigger import TriggerSchedule
from runner.store.objects import ObjectRecord
from runner.store.port import Reader


class Triggered(NamedTuple):
    """A job and one of its triggers."""

    record: ObjectRecord
    name: str
    trigger: TriggerSchedule


def trigger_of(reader: Reader, job_uid: str, schedule: str) -> Triggered | str:
    """As installed now; else why nothing can be started from it. DamagedRow when it cannot be read."""
    record = reader.objects.by_uid(job_uid)
    if record is None or record.removed_at is not None:
        return "removed: the job is not installed any more"
    resolved = whole(record).resolved
    settings = resolved["schedules"].get(schedule)
    if settings is None or settings.get("trigger") is None:
        return f"removed: the job has no trigger {schedule} any more"
    if resolved["mode"] != "automatic":
        return "removed: the job starts by hand alone (mode: manual)"
    made = schedule_from(settings)
    assert isinstance(made, TriggerSchedule)
    return Triggered(record, schedule, made)
