"""Does this plan do something that its reader wants to be stopped at?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from runner.reconcile.guards import protected_changes
from runner.reconcile.plan import Plan

REASONS_TO_FAIL = ("backtest", "pileup", "protected")


def reasons_to_fail(plan: Plan, asked: Collection[str]) -> tuple[str, ...]:
    """A sentence for each thing that was asked about and is in the plan."""
    return tuple(_reasons(plan, asked))


def _reasons(plan: Plan, asked: Collection[str]) -> Iterator[str]:
    if "backtest" in asked:
        for change in plan.changes:
            for test in change.impact.get("back_tests") or ():
                if test["affected"]:
                    yield f"{change.address}: {test['sentence']}"
    if "pileup" in asked and plan.pile_ups:
        first = plan.pile_ups[0]
        more = f" and {len(plan.pile_ups) - 1} more" if len(plan.pile_ups) > 1 else ""
        yield (
            f"{first.after} starts at {first.at:%Y-%m-%d %H:%M} UTC{more}, where {first.parallel} may run at "
            "the same time"
        )
    if "protected" in asked and (guarded := protected_changes(plan)):
        yield f"{', '.join(str(change.address) for change in guarded[:5])}: protected"
