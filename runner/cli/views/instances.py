"""Runs as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from runner.cli.views.steps import error_text, progress_text
from runner.cli.views.targets import show_targets, summary, targets_text, task_as_json
from runner.cli.views.values import (
    instant,
    short,
    show_data,
    show_fields,
    show_line,
    show_table,
    slot_text,
    warn,
)
from runner.dispatch.places import place_named
from runner.lifecycle.instance import LIVE, TRIGGERED
from runner.reconcile.masking import masked
from runner.vocabulary.duration import format_duration, format_size

if TYPE_CHECKING:
    from runner.operations.list_instances import InstanceView
    from runner.operations.show_instance import InstanceDetails
    from runner.store.external_runs import ExternalRun
    from runner.store.instances import InstanceRecord
    from runner.store.steps import StepRecord


def instance_as_json(view: InstanceView) -> dict[str, Any]:
    """The keys that scripts rely on."""
    run = view.instance
    return {
        "id": run.id,
        "job": run.job,
        "state": run.state,
        "reason": run.reason,
        "origin": run.origin,
        "slot": view.slots[0] if view.slots else None,
        "slots": list(view.slots),
        "due_at": instant(run.due_at),
        "started_at": instant(run.started_at),
        "completed_at": instant(run.completed_at),
        "attempt": run.attempt,
        "epoch": run.epoch,
        "session_id": run.session_id,
        "digest": run.digest,
        "progress": run.progress,
        "progress_said": run.progress_said,
        "error": run.error,
        "errors": [
            {
                "code": e.code,
                "severity": e.severity,
                "description": e.description,
                "info": e.info,
                **({} if e.grade is None else {"grade": e.grade}),
            }
            for e in view.errors
        ],
        "info": run.info,
        "notifications": [
            {"at": instant(told.at), "level": told.level, "topic": told.topic, "message": told.message}
            for told in view.notifications
        ],
        "tasks": [
            task_as_json(
                task,
                (step for step in view.steps if step.target == task.target),
                task.metrics if run.targets else run.metrics,
            )
            for task in view.tasks
        ],
        "targets": _targets_as_json(run),
        "locks": list(run.locks) if run.state in LIVE else [],
        "replaced_by": run.replaced_by,
        "metrics": run.metrics,
    }


def _targets_as_json(run: InstanceRecord) -> dict[str, int] | None:
    if not run.targets:
        return None
    return {"total": run.targets, "ended": run.targets_ended, "failed": run.targets_failed}


def show_instances(views: Sequence[InstanceView], output: str, now: datetime) -> None:
    """The list, newest first."""
    ids = (str(view.instance.id) for view in views)
    if show_data(output, lambda: [instance_as_json(view) for view in views], ids):
        return
    if not views:
        warn("No run fits.")
    else:
        show_table(
            ("ID", "JOB", "STATE", "REASON", "ORIGIN", "SLOT", "DUE", "STARTED", "TOOK", "ATTEMPT", "ERROR"),
            [_row(view, now) for view in views],
        )


def show_details(details: InstanceDetails, output: str, now: datetime) -> None:
    """One run."""
    if not show_data(output, lambda: _details_as_json(details), (str(details.view.instance.id),)):
        _show_text(details, now)


def used_text(metrics: Mapping[str, Any]) -> str:
    """What a run has used in all its attempts, for people; empty when nothing is known."""
    if not metrics:
        return ""
    return ", ".join(
        (
            f"{metrics.get('running_s') or 0:.2f} s running",
            f"{metrics.get('cpu_s') or 0:.2f} s of a processor",
            f"{format_size(metrics.get('peak_memory') or 0)} in memory",
            f"{format_size(metrics.get('log_bytes') or 0)} of log",
            *([f"{count} checkpoints"] if (count := metrics.get("checkpoints")) else []),
        )
    )


def _details_as_json(details: InstanceDetails) -> dict[str, Any]:
    waits = details.waits_for
    behind = None if waits is None else {"for": waits.text, "behind": waits.behind}
    shown = instance_as_json(details.view)
    if details.targets is not None:
        for task in shown["tasks"]:
            other = details.targets.behind.get(task["target"])
            task["behind"] = None if other is None else other.instance_id
    return {**shown, "commit": details.commit, "trigger": details.view.instance.trigger, "waits": behind}


def _awaited(external: ExternalRun | None) -> str:
    """What is known of the system that executes it; empty for a run that has a process."""
    if external is None:
        return ""
    until = f"silent at {short(external.silent_at)}"
    if external.heard_at is not None:
        return f"last heard {short(external.heard_at)}, {until}"
    if external.means == "poll" or external.accepted_at is not None:
        return f"nothing heard yet, {until}"
    again = f"; next call {short(external.call_at)}" if external.call_at else ""
    why = external.call_error["description"] if external.call_error else "not called yet"
    return f"{why} (calls: {external.calls}{again})"


def _origin(run: InstanceRecord) -> str:
    """By what or by whom; of something that happened, what it was and who signed it."""
    if run.origin in TRIGGERED:
        ids = [str(id) for id in run.trigger.get("items") or ()]
        items = f", item{'s' if len(ids) > 1 else ''} {', '.join(ids[:5])}{', …' if len(ids) > 5 else ''}"
        chain = run.trigger.get("chain") or []
        after = f", after {' > '.join(map(str, chain))}" if len(chain) > 1 else ""
        return f"{run.origin}: {run.trigger.get('by', '')}{items if ids else ''}{after}"
    return run.origin + (f", asked for by {run.requested_by}" if run.origin != "slot" else "")


def _show_text(details: InstanceDetails, now: datetime) -> None:
    view, run = details.view, details.view.instance
    show_fields(
        {
            "id": str(run.id),
            "job": run.job,
            "state": run.state + (f" ({run.reason})" if run.reason else ""),
            "origin": _origin(run),
            "slot": ", ".join(map(slot_text, view.slots)),
            "due": short(run.due_at),
            "waits for": "" if details.waits_for is None else details.waits_for.text,
            "reports": _awaited(details.external),
            "replaced by": "" if run.replaced_by is None else str(run.replaced_by),
            "locks": ", ".join(map(place_named, run.locks)) if run.state in LIVE else "",
            "started": short(run.started_at),
            "ended": short(run.completed_at),
            "by force at": short(run.forced_at) if run.forced_at else "",
            "took": _took(run, now),
            "attempt": f"{run.attempt} (epoch {run.epoch}, {run.failures} failed, {run.crashes} crashed)",
            "rerun of": "" if run.rerun_of is None else str(run.rerun_of),
            "targets": "" if details.targets is None else summary(run, details.targets),
            "progress": progress_text(run.progress_said),
            "inputs": _pairs(masked(("inputs",), dict(run.inputs))),
            "outputs": _pairs(run.outputs),
            "info": _pairs(run.info),
            "used": used_text(run.metrics),
            "error": error_text(run.error),
            "revision": f"{run.revision} {run.digest}"
            + (f" (commit {details.commit[:12]})" if details.commit else ""),
        }
    )
    for raised in view.errors:
        grade = "" if raised.grade is None else f" ({raised.grade})"
        show_line(f"{raised.severity}{grade} {raised.code}: {raised.description}")
    for told in view.notifications:
        show_line(f"{short(told.at)} {told.level} {told.topic}: {told.message}")
    if details.targets is not None:
        print()
        show_targets(run, details.targets)
    elif view.steps:
        print()
        _show_steps(view.steps, now)
    if details.events:
        print()
        show_table(
            ("AT", "ROW", "WHAT", "EVENT", "BY", "WHY"),
            [
                (
                    short(e.at),
                    e.row or "-",
                    f"{e.subject_kind} {e.subject}",
                    e.event + (f" {e.before} -> {e.after}" if e.after else ""),
                    e.who,
                    e.why or "-",
                )
                for e in details.events
            ],
        )


def _show_steps(steps: Iterable[StepRecord], now: datetime) -> None:
    show_table(
        ("STEP", "STATE", "STARTED AT", "SKIPPED AT", "COMPLETED AT", "TARGET", "ERROR"),
        [
            (
                step.name,
                step.state,
                short(step.started_at),
                short(step.skipped_at),
                short(step.completed_at),
                step.target,
                error_text(step.error) or "-",
            )
            for step in steps
        ],
    )
    for step in steps:
        if step.remedy and step.state == "FAILED":
            show_line(f"remedy for {step.name}: {step.remedy}")


def _row(view: InstanceView, now: datetime) -> tuple[str, ...]:
    run = view.instance
    return (
        str(run.id),
        run.job,
        " ".join(filter(None, (run.state, targets_text(run)))),
        run.reason or "-",
        run.origin,
        ", ".join(map(slot_text, view.slots)) or "-",
        short(run.due_at),
        short(run.started_at),
        _took(run, now) or "-",
        str(run.attempt),
        _shortened(error_text(run.error)) or "-",
    )


def _took(run: InstanceRecord, now: datetime) -> str:
    if run.started_at is None:
        return ""
    until = run.completed_at or (now if run.state in ("RUNNING", "STOPPING", "PAUSING") else None)
    return "" if until is None else format_duration(max(until - run.started_at, until - until))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())
