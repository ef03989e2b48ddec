"""May this plan be carried out as it is? Deletions within the budget, protected objects only on request."""

from __future__ import annotations

from dataclasses import dataclass

from runner.reconcile.plan import Change, Plan

FEW = 3
"""Removing up to so many objects needs no permission, unless they are everything."""

SHARE = 0.2
"""Nor does removing up to this share of the installed ones."""

ALIVE = 3
"""So many objects a job counts for that has run in the last 30 days, or has saved something."""

_CHANGES_PROTECTED = frozenset({"update", "move", "disable", "uninstall"})


@dataclass(frozen=True, slots=True)
class Budget:
    """How many removals go without being named: up to `few` objects, or up to `share` of the installed.

    A job that is alive counts for several.
    """

    few: int = FEW
    share: float = SHARE


def deletion_refusal(plan: Plan, allow_delete: int | None = None, budget: Budget | None = None) -> str | None:
    """Why this plan removes too much, with the number that would allow it; None when it does not.

    `allow_delete` is the number of removals that somebody has agreed to; fewer than that are fine.
    """
    budget = budget or Budget()
    removals = plan.count("uninstall")
    everything = removals > 0 and removals >= plan.installed
    weight = sum(ALIVE if c.impact.get("alive") else 1 for c in plan.changes if c.action == "uninstall")
    too_many = weight > budget.few and weight > budget.share * plan.installed
    if not (everything or too_many) or (allow_delete is not None and removals <= allow_delete):
        return None
    what = (
        f"all {plan.installed} installed objects"
        if everything and plan.installed != 1
        else "the only installed object"
        if everything
        else f"{removals} of {plan.installed} installed objects"
    )
    names = [_named(change) for change in plan.changes if change.action == "uninstall"]
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    agreed = f" (--allow-delete {allow_delete} is not enough)" if allow_delete is not None else ""
    return (
        f"the plan removes {what} of {plan.source}: {listed}{agreed}{_weighed(weight, removals)}. "
        f"If that is meant, say so with --allow-delete {removals}"
    )


def _named(change: Change) -> str:
    if not change.impact.get("alive"):
        return str(change.address)
    runs = change.impact["runs_in_30_days"]
    said = [f"{runs} run{'' if runs == 1 else 's'} in 30 days"] if runs else []
    said += ["saved state"] if change.impact["saved_state"] else []
    return f"{change.address} ({', '.join(said)})"


def _weighed(weight: int, removals: int) -> str:
    """A job that is alive is worth several that are not."""
    return "" if weight == removals else f"; jobs that are alive count {ALIVE} times, so that is {weight}"


def protected_changes(plan: Plan) -> tuple[Change, ...]:
    """The changes that touch an installed object of a protected type (SYSTEM, LOYALTY)."""
    return tuple(c for c in plan.changes if c.protected and c.action in _CHANGES_PROTECTED)
