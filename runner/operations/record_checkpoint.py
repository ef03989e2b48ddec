"""Record where a job's code goes on, in one transaction: state, step, info, and what outlives it."""

from __future__ import annotations

from datetime import UTC, datetime

from runner.execution.order import NO_TARGET, Checkpointed, Record
from runner.operations.start_earlier import start_earlier
from runner.store.port import Transaction
from runner.vocabulary.errors import ChangedMeanwhile


def record_checkpoint(tx: Transaction, report: Checkpointed, at: datetime) -> None:
    """ChangedMeanwhile, and nothing is changed, when the instance has another epoch or is not live."""
    keep_record(tx, report.instance, report.epoch, report.target, report.step, report.record, at)


def keep_record(
    tx: Transaction,
    instance_id: int,
    epoch: int,
    target: str,
    step: str,
    record: Record,
    at: datetime,
    *,
    completes: bool = False,
) -> None:
    """A checkpoint, or what a step that `completes` leaves: nothing is ever resumed from that."""
    tx.state.checkpoint(
        instance_id,
        target,
        epoch=epoch,
        at=at,
        step=step,
        n=record.n,
        cursor=record.cursor,
        data=record.state,
        wake_at=None if record.until is None else datetime.fromtimestamp(record.until, UTC),
        completes=completes,
    )
    if record.info is not None:
        keep_info(tx, instance_id, epoch, target, record.info)
    if record.items:
        from runner.operations.settle_items import acknowledge  # only where a run works through items

        acknowledge(tx, instance_id, record.items, at)
    if not (record.changed or record.removed or record.trigger_at is not None):
        return
    instance = tx.instances.get(instance_id)
    if instance is None:
        raise ChangedMeanwhile(f"run {instance_id} is gone")
    if record.changed or record.removed:
        tx.state.merge_persistent(instance.job_uid, changed=record.changed, removed=record.removed, at=at)
    if record.trigger_at is not None:
        start_earlier(tx, instance, datetime.fromtimestamp(record.trigger_at, UTC), at)


def keep_info(tx: Transaction, instance_id: int, epoch: int, target: str, info: str) -> None:
    """What the job's code notes about its run (JSON text); over an inventory each target has its own."""
    if target == NO_TARGET:
        tx.instances.update(instance_id, epoch=epoch, info=info)
    else:
        tx.tasks.update(instance_id, target, epoch=epoch, info=info)
