"""Steps of a run that another system executes: they are known when it names them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from runner.lifecycle.step import STEP
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction
from runner.store.steps import NewStep
from runner.vocabulary.errors import Refused

MOST_STEPS = 200
KIND = "external"

_WAYS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "started": {"PENDING": ("start",)},
    "completed": {"PENDING": ("start", "complete"), "STARTED": ("complete",)},
    "failed": {"PENDING": ("start", "fail"), "STARTED": ("fail",)},
    "skipped": {"PENDING": ("skip",)},
}
"""What is reported → the state that the step is in → the events that lead there. A start may have been lost
on the way; nothing leads back from an end."""

_SAYS = {"started": "STARTED", "completed": "COMPLETED", "failed": "FAILED", "skipped": "SKIPPED"}


class StepReport(Protocol):
    """The part of a report that speaks of a step."""

    @property
    def step(self) -> str | None: ...
    @property
    def state(self) -> str | None: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...
    @property
    def code(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...


def record_external_step(
    tx: Transaction, instance: InstanceRecord, report: StepReport, who: str, now: datetime
) -> str:
    """`recorded`; `repeated` when the step was there already, `late` when it is past that."""
    name, said = report.step or "", report.state or "started"
    steps = tx.steps.of(instance.id)
    known = {step.name: step for step in steps}
    if name not in known:
        if len(steps) >= MOST_STEPS:
            raise Refused(f"instance {instance.id} has {MOST_STEPS} steps already; report progress instead")
        new = [NewStep(step.name, step.kind, step.remedy) for step in steps]
        tx.steps.create_all(instance.id, "-", [*new, NewStep(name, KIND)])
    before = known[name].state if name in known else "PENDING"
    ways = _WAYS[said].get(before)
    if ways is None:
        return "repeated" if before == _SAYS[said] else "late"
    error = None
    if said == "failed":
        error = {"code": report.code or "failed", "description": report.description or "the step failed"}
    state = before
    for event in ways:
        move = STEP.move(state, event)
        ends = event in ("complete", "fail")
        tx.steps.move(
            instance.id,
            "-",
            name,
            move,
            epoch=instance.epoch,
            at=now,
            who=who,
            outputs=report.outputs if ends else None,
            error=error if event == "fail" else None,
        )
        state = move.after
    return "recorded"


def complete_open_steps(tx: Transaction, instance: InstanceRecord, who: str, now: datetime) -> None:
    """The whole is finished, so what had begun is: the report of it was lost, or never sent."""
    for step in tx.steps.of(instance.id):
        if step.state == "STARTED":
            move = STEP.move("STARTED", "complete")
            tx.steps.move(instance.id, step.target, step.name, move, epoch=instance.epoch, at=now, who=who)
