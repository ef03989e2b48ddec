"""What a verb did, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.cli.views.values import show_data, show_line, warn
from runner.vocabulary.instants import to_text

if TYPE_CHECKING:
    from runner.operations.acting_on_runs import ActedOnRun
    from runner.operations.cancel import Cancelled
    from runner.operations.groups import Switched
    from runner.operations.holding import Acted
    from runner.operations.rerun import Rerun
    from runner.operations.trigger import Triggered


def show_acts(acts: Sequence[Acted], done: str, output: str) -> None:
    """One line for each job; `done` says what was asked for: `enabled`."""
    values = [_act_as_json(act) for act in acts]
    if not show_data(output, lambda: values, (act.name for act in acts)):
        for act in acts:
            _show_act(act, done, "")


def show_switched(groups: Sequence[Switched], done: str, output: str) -> None:
    """One line for each group, and one for each of its jobs."""
    values = [
        {"group": g.group, "changed": g.changed, "jobs": [_act_as_json(job) for job in g.jobs]}
        for g in groups
    ]
    if not show_data(output, lambda: values, (g.group for g in groups)):
        for group in groups:
            count = f"{len(group.jobs)} job{'' if len(group.jobs) == 1 else 's'}"
            show_line(f"Group/{group.group} {_done(done, group.changed)}, {count}")
            for note in group.notes:
                warn(f"  {group.group}: {note}")
            for job in group.jobs:
                _show_act(job, done, "  ")


def show_runs(runs: Sequence[Cancelled | ActedOnRun], output: str) -> None:
    """One line for each run, or for the target of it that a verb was about."""
    values = [_run_as_json(run) for run in runs]
    if not show_data(output, lambda: values, (str(r.id) for r in runs)):
        for run in runs:
            already = "" if run.changed else " already"
            task = getattr(run, "target", None)
            if task is None:
                show_line(f"instance {run.id} of {run.job}: {run.state}{already}")
            else:
                show_line(f"target {task.target} of instance {run.id} of {run.job}: {task.state}{already}")
            for note in getattr(run, "notes", ()):
                warn(f"  {run.id}: {note}")


def _run_as_json(run: Cancelled | ActedOnRun) -> dict[str, Any]:
    task = getattr(run, "target", None)
    value = {"id": run.id, "job": run.job, "changed": run.changed, "state": run.state}
    if task is not None:
        next_try = None if task.next_try_at is None else to_text(task.next_try_at)
        value["target"] = {
            "target": task.target, "state": task.state, "reason": task.reason, "next_try_at": next_try
        }  # fmt: skip
    return {**value, "notes": list(getattr(run, "notes", ()))}


def show_rerun(again: Rerun, output: str) -> None:
    """The new run, and what it leaves out."""
    value = {
        "id": again.id,
        "job": again.job,
        "state": again.state,
        "rerun_of": again.rerun_of,
        "changed": again.changed,
        "notes": list(again.notes),
        "taken_over": list(again.taken_over),
        "targets": again.targets,
    }
    if not show_data(output, lambda: value, (str(again.id),)):
        left_out = f"; not run again: {', '.join(again.taken_over)}" if again.taken_over else ""
        targets = f"; {again.targets} targets" if again.targets else ""
        show_line(
            f"instance {again.id} of {again.job} runs instance {again.rerun_of} again{left_out}{targets}"
            + ("" if again.changed else " already")
        )


def show_triggered(start: Triggered, state: str, output: str) -> None:
    """The start that was recorded, or how it ended."""
    value = {
        "id": start.id,
        "job": start.job,
        "state": state,
        "inputs": dict(start.inputs),
        "for_slot": start.for_slot,
    }
    if not show_data(output, lambda: value, (str(start.id),)):
        slot = f" for slot {start.for_slot}" if start.for_slot else ""
        show_line(f"instance {start.id} of {start.job}{slot}: {state}")


def _act_as_json(act: Acted) -> dict[str, Any]:
    return {
        "name": act.name,
        "changed": act.changed,
        "status": act.status,
        "detail": act.detail,
        "notes": list(act.notes),
    }


def _show_act(act: Acted, done: str, indent: str) -> None:
    detail = f" ({act.detail})" if act.detail else ""
    print(indent, end="")
    show_line(f"Job/{act.name} {_done(done, act.changed)}: {act.status}{detail}")
    for note in act.notes:
        warn(f"{indent}  {act.name}: {note}")


def _done(done: str, changed: bool) -> str:
    return done if changed else "unchanged"
