"""The run that a slot becomes, pinned to what its job is at this moment (I1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from runner.operations.schedulable import NamedSchedule, SchedulableJob
from runner.schedules.slot import Slot
from runner.store.instances import NewInstance

SCHEDULER = "system:scheduler"


def run_of_slot(
    job: SchedulableJob,
    named: NamedSchedule,
    slot: Slot,
    trigger: Mapping[str, Any],
    *,
    due_at: datetime,
    waits_from: datetime,
) -> NewInstance:
    """It is due at `due_at`; its start deadline counts from `waits_from`, its deadline from the slot."""
    return NewInstance(
        job_uid=job.uid,
        job=job.name,
        origin="slot",
        schedule=named.name,
        slot_key=slot.key,
        slot_at=slot.at,
        slot_local=slot.local,
        due_at=due_at,
        reason="slot",
        digest=job.digest,
        revision=job.revision,
        inputs=job.inputs,
        trigger=trigger,
        start_deadline=_after(waits_from, named.start_deadline),
        expires_at=_after(slot.at, job.deadline),
        rerun_of=None,
        requested_by=SCHEDULER,
    )


def _after(instant: datetime, delay: timedelta | None) -> datetime | None:
    return None if delay is None else instant + delay
