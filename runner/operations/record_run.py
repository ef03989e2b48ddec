"""Record what a running instance reports: its process, its steps, and what its code says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runner.execution.order import (
    NO_TARGET,
    Began,
    ErrorInfo,
    InfoSaved,
    Notified,
    PerformedLong,
    Progressed,
    Raised,
    StepReported,
)
from runner.lifecycle.step import STEP
from runner.operations.record_checkpoint import keep_info, keep_record
from runner.store.errors import ErrorRecord
from runner.store.notifications import NotificationRecord
from runner.store.port import Transaction

SUPERVISOR = "system:supervisor"

LONG_PERFORM = "instance.performs_long"

_EVENT = {"start": "start", "complete": "complete", "fail": "fail", "skip": "skip"}
_BEFORE = {"start": "PENDING", "skip": "PENDING", "complete": "STARTED", "fail": "STARTED"}


def record_process(tx: Transaction, began: Began, boot_id: str) -> None:
    """Note which process runs the instance: pid, a time at which it was there, and the boot; they name it for
    ever. A run over an inventory has many, and none of them is its own: each is its target's.
    """
    if began.target != NO_TARGET:
        tx.tasks.update(
            began.instance,
            began.target,
            epoch=began.epoch,
            pid=began.pid,
            pid_started=began.pid_started,
        )
        return
    tx.instances.update(
        began.instance, epoch=began.epoch, pid=began.pid, pid_started=began.pid_started, boot_id=boot_id
    )


def record_step(tx: Transaction, report: StepReported, at: datetime) -> None:
    """Move one step; completion, outputs and time are one write (S4). An older epoch changes nothing."""
    if report.again:
        _reopen(tx, report, at)
    tx.steps.move(
        report.instance,
        report.target,
        report.step,
        STEP.move(_BEFORE[report.event], _EVENT[report.event]),
        epoch=report.epoch,
        at=at,
        who=SUPERVISOR,
        why=report.reason,
        outputs=report.outputs,
        error=_problem(report.error),
    )
    if report.record is not None:
        keep_record(
            tx,
            report.instance,
            report.epoch,
            report.target,
            report.step,
            report.record,
            at,
            completes=True,
        )


def _reopen(tx: Transaction, report: StepReported, at: datetime) -> None:
    """A step that failed is tried again in place (S7): its event keeps the failure."""
    tx.steps.move(
        report.instance,
        report.target,
        report.step,
        STEP.move("FAILED", "reopen"),
        epoch=report.epoch,
        at=at,
        who=SUPERVISOR,
    )


def record_raised(tx: Transaction, raised: Raised, at: datetime) -> None:
    """Keep an error or warning that the job's code raised without stopping (system E5)."""
    if _is_current(tx, raised.instance, raised.epoch):
        tx.errors.add(
            ErrorRecord(
                raised.instance,
                at,
                raised.severity,
                raised.code,
                raised.description,
                raised.info,
                _named(raised.target),
                raised.step,
                raised.grade,
            )
        )


def record_notified(tx: Transaction, told: Notified, at: datetime) -> None:
    """Keep what the job tells people, for the activity log (system D7)."""
    if _is_current(tx, told.instance, told.epoch):
        tx.notifications.add(
            NotificationRecord(
                told.instance, at, told.level, told.topic, told.message, _named(told.target), told.step
            )
        )


def record_progress(tx: Transaction, progress: Progressed) -> None:
    """Keep how far it is: in the job's own words, and from 0 to 1 when it says how much there is."""
    if not _is_current(tx, progress.instance, progress.epoch):
        return
    done, total = progress.done, progress.total
    share = min(done / total, 1.0) if done is not None and total else None
    said = {"done": done, "total": total, "text": progress.text}
    if progress.target == NO_TARGET:
        tx.instances.update(progress.instance, epoch=progress.epoch, progress=share, progress_said=said)
    tx.tasks.update(
        progress.instance, progress.target, epoch=progress.epoch, progress=share, progress_said=said
    )


def record_info(tx: Transaction, saved: InfoSaved) -> None:
    """Keep what the job noted about its instance although its attempt fails."""
    if _is_current(tx, saved.instance, saved.epoch):
        keep_info(tx, saved.instance, saved.epoch, saved.target, saved.info)


def record_long_perform(tx: Transaction, long: PerformedLong, at: datetime) -> None:
    """An event of the instance: its code does not make the small units of work that were agreed (D1)."""
    if _is_current(tx, long.instance, long.epoch):
        why = f"step {long.step} has run for {long.seconds:g} s without a checkpoint"
        details = {"step": long.step, "target": long.target, "seconds": long.seconds}
        tx.events.append(
            "instance", str(long.instance), LONG_PERFORM, at=at, who=SUPERVISOR, why=why, details=details
        )


def _is_current(tx: Transaction, instance_id: int, epoch: int) -> bool:
    instance = tx.instances.get(instance_id)
    return instance is not None and instance.epoch == epoch


def _named(target: str) -> str | None:
    return None if target == NO_TARGET else target


def _problem(error: ErrorInfo | None) -> dict[str, Any] | None:
    return None if error is None else {k: v for k, v in error._asdict().items() if v not in (None, {})}
