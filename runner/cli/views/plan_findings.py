"""A plan as findings at the lines of its files, for annotations, code scanning and test reports."""

from __future__ import annotations

from collections.abc import Iterable

from runner.cli.views.plan_text import last_line, right_of, shown, shown_fields
from runner.reconcile.plan import Change, Plan
from runner.vocabulary.diagnostic import Diagnostic, Severity

_LOOK_AT = frozenset({"disable", "drift", "uninstall"})


def plan_findings(plan: Plan, refusals: Iterable[str] = ()) -> tuple[Diagnostic, ...]:
    """Each change a note, or a warning where it takes something away; what apply would refuse is an error."""
    refused = tuple(
        Diagnostic(plan.source, 0, 0, "error", "plan-refused", "Apply will refuse this", each)
        for each in refusals
    )
    summary = Diagnostic(plan.source, 0, 0, "note", "plan", "Plan", last_line(plan))
    return (summary, *refused, *(_finding(change, plan) for change in plan.changes))


def _finding(change: Change, plan: Plan) -> Diagnostic:
    severity: Severity = "warning" if change.action in _LOOK_AT or change.protected else "note"
    beside = right_of(change)
    lines = [str(change.address), beside if beside != str(change.place or "") else ""]
    for each in shown_fields(change):
        impact = f"  {each.impact}" if each.impact else ""
        lines.append(f"{each.path}: {shown(each.declared_before)} -> {shown(each.declared_now)}{impact}")
    return Diagnostic(
        change.place.file if change.place else plan.source,
        change.place.line if change.place else 0,
        1 if change.place else 0,
        severity,
        f"plan-{change.action}",
        f"Plan: {change.action}",
        "\n".join(line for line in lines if line),
    )
