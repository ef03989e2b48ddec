"""May this plan be carried out as it is? Deletions within the budget, protected objects only on request."""

from __future__ import annotations

from dataclasses import dataclass

from runner.reconcile.plan import Change, Plan

FEW = 3
"""Removing up to so many objects needs no permission, unless they are everything."""

SHARE = 0.2
"""Nor does removing up to this share of the installed ones."""

_CHANGES_PROTECTED = frozenset({"update", "move", "disable", "uninstall"})


@dataclass(frozen=True, slots=True)
class Budget:
    """How many removals go without being named: up to `few` objects, or up to `share` of the installed."""

    few: int = FEW
    share: float = SHARE


def deletion_refusal(plan: Plan, allow_delete: int | None = None, budget: Budget | None = None) -> str | None:
    """Why this plan removes too much, with the number that would allow it; None when it does not.

    `allow_delete` is the number of removals that somebody has agreed to; fewer than that are fine.
    """
    budget = budget or Budget()
    removals = plan.count("uninstall")
    everything = removals > 0 and removals >= plan.installed
    too_many = removals > budget.few and removals > budget.share * plan.installed
    if not (everything or too_many) or (allow_delete is not None and removals <= allow_delete):
        return None
    what = (
        f"all {plan.installed} installed objects"
        if everything and plan.installed != 1
        else "the only installed object"
        if everything
        else f"{removals} of {plan.installed} installed objects"
    )
    names = [str(change.address) for change in plan.changes if change.action == "uninstall"]
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    agreed = f" (--allow-delete {allow_delete} is not enough)" if allow_delete is not None else ""
    return (
        f"the plan removes {what} of {plan.source}: {listed}{agreed}. "
        f"If that is meant, say so with --allow-delete {removals}"
    )


def protected_changes(plan: Plan) -> tuple[Change, ...]:
    """The changes that touch an installed object of a protected type (SYSTEM, LOYALTY)."""
    return tuple(c for c in plan.changes if c.protected and c.action in _CHANGES_PROTECTED)
