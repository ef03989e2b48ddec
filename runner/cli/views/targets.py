"""The targets of a run as text and JSON: a summary first, then those that need a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from runner.cli.views.steps import error_text, progress_text, step_as_json
from runner.cli.views.values import instant, short, show_line, show_table

if TYPE_CHECKING:
    from runner.operations.show_targets import TargetsPage
    from runner.store.instances import InstanceRecord
    from runner.store.steps import StepRecord
    from runner.store.tasks import AtWork, TaskRecord

_WORDS = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "RUNNING": "running",
    "RESCHEDULED": "to be tried again",
    "SCHEDULED": "waiting",
}


def targets_text(run: InstanceRecord) -> str:
    """`412/500`: how many targets have ended; empty without an inventory."""
    return f"{run.targets_ended}/{run.targets}" if run.targets else ""


def summary(run: InstanceRecord, page: TargetsPage) -> str:
    """`412/500: 405 succeeded, 7 failed, 60 running, 28 waiting`"""
    parts = [f"{page.counts[state]} {word}" for state, word in _WORDS.items() if page.counts.get(state)]
    return f"{targets_text(run)}: {', '.join(parts)}"


def show_targets(run: InstanceRecord, page: TargetsPage) -> None:
    """One page of them, with how to fix what failed, and how to see the rest."""
    steps = _by_target(page.steps)
    show_table(
        ("TARGET", "STATE", "REASON", "TRIES", "LAST TRIED", "NEXT TRY", "STEP", "PROGRESS", "ERROR"),
        [_row(task, steps.get(task.target, []), page.behind.get(task.target)) for task in page.tasks],
    )
    told: dict[str, str] = {}
    for step in page.steps:
        if step.remedy and step.state == "FAILED":
            told.setdefault(step.name, step.remedy)
    for name, remedy in told.items():
        show_line(f"remedy for {name}: {remedy}")
    end = page.offset + len(page.tasks)
    if page.offset or end < page.matching:
        rest = f"; more: runner instances show {run.id} --offset {end}" if end < page.matching else ""
        show_line(f"targets {page.offset + 1} to {end} of {page.matching}{rest}")


def task_as_json(task: TaskRecord, steps: Iterable[StepRecord], metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that scripts rely on, and those of a target."""
    return {
        "target": task.target,
        "state": task.state,
        "reason": task.reason,
        "attempt": task.attempt,
        "last_triggered_at": instant(task.last_triggered_at),
        "next_try_at": instant(task.next_try_at),
        "expires_at": instant(task.expires_at),
        "completed_at": instant(task.completed_at),
        "progress": task.progress,
        "progress_said": task.progress_said,
        "error": task.error,
        "info": dict(task.info),
        "values": dict(task.values),
        "steps": [step_as_json(step) for step in steps],
        "metrics": metrics,
    }


def _row(task: TaskRecord, steps: list[StepRecord], behind: AtWork | None) -> tuple[str, ...]:
    current = next((s for s in steps if s.state in ("STARTED", "FAILED")), None)
    done = sum(step.state in ("COMPLETED", "SKIPPED") for step in steps)
    said = progress_text(task.progress_said)
    return (
        task.target,
        task.state,
        f"waits for instance {behind.instance_id} of {behind.job}" if behind else task.reason or "-",
        str(task.attempt),
        short(task.last_triggered_at),
        short(task.next_try_at),
        "-" if current is None else current.name,
        " ".join(filter(None, (f"{done}/{len(steps)}" if steps else "", said))) or "-",
        error_text(task.error) or "-",
    )


def _by_target(steps: Iterable[StepRecord]) -> dict[str, list[StepRecord]]:
    found: dict[str, list[StepRecord]] = {}
    for step in steps:
        found.setdefault(step.target, []).append(step)
    return found
