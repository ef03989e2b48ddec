"""What is written down of an apply: who, what, from which commit, and who had agreed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runner.reconcile.plan import Change, Plan
from runner.store.applies import ApplyRecord

MOST_FIELDS = 50
"""Of one change; a plan of ten thousand is written into one row."""


@dataclass(frozen=True, slots=True)
class Approval:
    """By which command a plan was carried out, how it was agreed to, and which guards were lifted."""

    verb: str = "apply"
    how: str = ""
    allowed: Mapping[str, Any] = field(default_factory=dict)


def record_of(
    plan: Plan,
    serial: int,
    approval: Approval,
    uid_of: Callable[[Change], str],
    *,
    who: str,
    at: datetime,
) -> ApplyRecord:
    """The row of an apply. Fields are as the plan shows them: secrets are masked there already."""
    return ApplyRecord(
        serial=serial,
        at=at,
        who=who,
        verb=approval.verb,
        approval=approval.how,
        source=plan.source,
        commit=plan.commit,
        branch=plan.branch,
        dirty=plan.dirty,
        plan_digest=plan.digest,
        allowed=approval.allowed,
        changes=[_change(change, uid_of(change)) for change in plan.in_carrying_order()],
        left=[
            {"address": str(change.address), **change.impact["left_out"]}
            for change in plan.changes
            if "left_out" in change.impact
        ],
    )


def _change(change: Change, uid: str) -> dict[str, Any]:
    fields = [
        {"path": each.path, "before": each.declared_before, "now": each.declared_now}
        for each in change.fields[:MOST_FIELDS]
    ]
    row: dict[str, Any] = {
        "action": change.action,
        "address": str(change.address),
        "uid": uid,
        "before": change.before_digest,
        "after": change.after_digest,
        "digest": change.digest,
        "reason": change.reason,
    }
    if change.place:
        row["place"] = str(change.place)
    if change.moved_from:
        row["moved_from"] = str(change.moved_from)
    return row | ({"fields": fields} if fields else {})
