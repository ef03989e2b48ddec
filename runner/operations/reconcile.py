"""Plan and apply in one step: for CI, for agents and for the daemon."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.access.permission import Actor
from runner.operations.apply import Applied, carry_out
from runner.operations.checked_out import CheckedOut
from runner.operations.plan import Planned, Stream, make_plan_for
from runner.operations.reconcile_parts import InstalledNow
from runner.reconcile.agreed import Agreed, left_out, only_agreed
from runner.reconcile.plan import Plan
from runner.store.port import Store
from runner.vocabulary.errors import StalePlan

if TYPE_CHECKING:
    from runner.operations.audit import Approval

ATTEMPTS = 3
"""Another apply may come between planning and applying: then the plan is made anew, so often."""


def reconcile(
    path: Path | Stream | CheckedOut | None,
    project: Path,
    store: Store,
    actor: Actor,
    now: datetime,
    *,
    allow_delete: int | None = None,
    allow_protected: bool = False,
    adopt: bool = False,
    heal: bool = False,
    on_invalid: str | None = None,
    expect: Agreed | None = None,
    approval: Approval | None = None,
    planned: Planned | None = None,
) -> tuple[Planned, Applied]:
    """The plan for what is declared at `path`, and what was done.

    Of a plan only that is done to which `expect` agrees. A plan that is given as `planned` is that already,
    and was made just now.
    Raises as `make_plan_for`, `agreed_part` and `carry_out` do; nothing is changed then.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if planned is None:
            now_planned = make_plan_for(path, project, store, now, heal=heal, on_invalid=on_invalid)
            planned = agreed_part(now_planned, expect, store)
        try:
            applied = carry_out(
                planned,
                store,
                actor,
                now,
                allow_delete=allow_delete,
                allow_protected=allow_protected,
                adopt=adopt,
                approval=approval,
            )
        except StalePlan:
            if attempt == ATTEMPTS:
                raise
            planned = None
            continue
        return planned, applied
    raise AssertionError("unreachable")


def left_alone(planned: Planned, plan: Plan) -> list[str]:
    """What stays as it is because nobody agreed to it, or because it is invalid: objects, else files."""
    objects = sorted({each["address"] for each in left_out(plan)})
    if objects or planned.isolation is None:
        return objects
    return sorted({each.file for each in planned.diagnostics if each.severity == "error"})


def agreed_part(planned: Planned, agreed: Agreed | None, store: Store | None) -> Planned:
    """What somebody agreed to; what they did not is left alone, as notes of the plan.

    StalePlan when a plan was agreed to as a whole and this is another one, or when there are changes and none
    of them was agreed to.
    """
    if agreed is None:
        return planned
    plan = planned.plan
    if agreed.whole is not None and plan.digest != agreed.whole:
        raise StalePlan(
            f"What would change now ({plan.digest}) is not what was expected ({agreed.whole}); "
            "review a new plan"
        )
    if agreed.changes is None or plan.is_empty:
        return planned
    with store.read() if store is not None else nullcontext() as reader:
        subset = only_agreed(plan, agreed.changes, planned.declared, InstalledNow(reader))
    if subset.plan.is_empty:
        first = subset.left[0]
        raise StalePlan(
            f"Nothing of what would change now was agreed to: {first.change.action} {first.change.address} "
            f"is {first.why}{_others(len(subset.left) - 1)}; review a new plan"
        )
    return replace(planned, plan=subset.plan)


def _others(count: int) -> str:
    return "" if not count else f", and {count} other change{'' if count == 1 else 's'} too"
