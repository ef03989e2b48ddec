"""Record what a running instance reports: its process, its steps, the errors that it raised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from runner.execution.order import Began, ErrorInfo, Raised, StepReported
from runner.lifecycle.step import STEP
from runner.store.port import Transaction
from runner.store.records import ErrorRecord

SUPERVISOR = "system:supervisor"

_EVENT = {"start": "start", "complete": "complete", "fail": "fail", "skip": "skip"}
_BEFORE = {"start": "PENDING", "skip": "PENDING", "complete": "STARTED", "fail": "STARTED"}


def record_process(tx: Transaction, began: Began, boot_id: str) -> None:
    """Note which process runs the instance: pid, a time at which it was there, and the boot; they name it for
    ever.
    """
    tx.instances.update(
        began.instance, epoch=began.epoch, pid=began.pid, pid_started=began.pid_started, boot_id=boot_id
    )


def record_step(tx: Transaction, report: StepReported, at: datetime) -> None:
    """Move one step; completion, outputs and time are one write (S4). An older epoch changes nothing."""
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


def record_raised(tx: Transaction, raised: Raised, at: datetime) -> None:
    """Keep an error or warning that the job's code raised without stopping (system E5)."""
    instance = tx.instances.get(raised.instance)
    if instance is not None and instance.epoch == raised.epoch:
        tx.errors.add(
            ErrorRecord(raised.instance, at, raised.severity, raised.code, raised.description, raised.info)
        )


def _problem(error: ErrorInfo | None) -> dict[str, Any] | None:
    return None if error is None else {k: v for k, v in error._asdict().items() if v not in (None, {})}
