"""Start a job once before its next slot, because its own code asks for that (system E6)."""

from __future__ import annotations

from datetime import datetime

from runner.declaration.inputs import check_inputs
from runner.store.port import Transaction
from runner.store.records import InstanceRecord, NewInstance
from runner.vocabulary.duration import parse_duration

BY_JOB = "job"
"""The origin of such an instance. It is automatic: every hold that drops a slot drops it too."""

WHO = "system:job"


def start_earlier(tx: Transaction, instance: InstanceRecord, asked: datetime, now: datetime) -> int | None:
    """The instance that starts then, or as soon as this one is over when that is past; None without a job.

    One waits at most, at the earliest time that was asked for; it uses no slot, and waits for its turn
    behind what runs.
    """
    job = tx.objects.by_uid(instance.job_uid)
    if job is None or job.removed_at is not None:
        return None
    at = max(asked, now)
    for waiting in tx.instances.unfinished_of(job.uid):
        if waiting.origin == BY_JOB and waiting.state == "SCHEDULED" and waiting.epoch == 0:
            if at < waiting.due_at:
                tx.instances.update(waiting.id, epoch=0, due_at=at)
            return waiting.id
    spec = job.resolved
    deadline = spec["deadline"]
    new = NewInstance(
        job_uid=job.uid,
        job=job.name,
        origin=BY_JOB,
        slot_key=f"job:{instance.id}:{instance.epoch}:{asked.timestamp():.3f}",
        due_at=at,
        reason="slot",
        digest=job.digest,
        revision=job.revision,
        inputs=check_inputs(spec["inputs"], spec["with"])[0],
        trigger={"earlier": True, "by_instance": instance.id},
        expires_at=at + parse_duration(deadline) if deadline else None,
        requested_by=WHO,
    )
    return tx.instances.create(new, who=WHO, at=now, why=f"asked for by instance {instance.id}")
