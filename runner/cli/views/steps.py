"""Steps, errors and progress, as every view of a run says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import instant

if TYPE_CHECKING:
    from runner.store.steps import StepRecord


def step_as_json(step: StepRecord) -> dict[str, Any]:
    """One step; the keys that scripts rely on."""
    return {
        "name": step.name,
        "state": step.state,
        "started_at": instant(step.started_at),
        "skipped_at": instant(step.skipped_at),
        "completed_at": instant(step.completed_at),
        "error": step.error,
        "remedy": step.remedy,
    }


def progress_text(said: Mapping[str, Any] | None) -> str:
    """`250 of 1000 contacts`, as far as the job said so; empty when it said nothing."""
    if said is None:
        return ""
    done, total = said.get("done"), said.get("total")
    numbers = "" if done is None else f"{done:g}" + ("" if total is None else f" of {total:g}")
    return " ".join(filter(None, (numbers, said.get("text"))))


def error_text(error: Mapping[str, Any] | None) -> str:
    """Where, what kind and what; empty without an error."""
    if error is None:
        return ""
    place = f"step {error['step']}: " if error.get("step") else ""
    return f"{place}{error.get('code', 'error')}: {error.get('description', '')}"
