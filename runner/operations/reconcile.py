"""Plan and apply in one step: for CI, for agents and for the daemon."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner.access.permission import Actor
from runner.declaration.facts import addresses_in, facts_of
from runner.operations.apply import Applied, carry_out, refuse_by_guards
from runner.operations.checked_out import CheckedOut
from runner.operations.plan import Planned, Stream, make_plan_for
from runner.reconcile.agreed import Agreed, only_agreed
from runner.reconcile.plan import Plan
from runner.store.port import Reader, Store
from runner.vocabulary.errors import StalePlan
from runner.vocabulary.identity import Address

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
    expect: Agreed | None = None,
    approval: Approval | None = None,
) -> tuple[Planned, Applied]:
    """The plan for what is declared at `path`, and what was done.

    Of a plan only that is done to which `expect` agrees. Raises as `make_plan_for`, `agreed_part` and
    `carry_out` do; nothing is changed then.
    """
    for attempt in range(1, ATTEMPTS + 1):
        planned = agreed_part(make_plan_for(path, project, store, now, heal=heal), expect, store)
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
            continue
        return planned, applied
    raise AssertionError("unreachable")


def rehearse(
    planned: Planned,
    actor: Actor,
    *,
    allow_delete: int | None = None,
    allow_protected: bool = False,
    adopt: bool = False,
) -> None:
    """Nothing, or what `reconcile` would refuse; changes nothing."""
    refuse_by_guards(planned, actor, allow_delete=allow_delete, allow_protected=allow_protected, adopt=adopt)


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


def left_out(plan: Plan) -> list[dict[str, str]]:
    """What a plan leaves alone because nobody agreed to it."""
    notes = [change for change in plan.changes if "left_out" in change.impact]
    return [{"address": str(change.address), **change.impact["left_out"]} for change in notes]


def _others(count: int) -> str:
    return "" if not count else f", and {count} other change{'' if count == 1 else 's'} too"


class InstalledNow:
    """What is installed, as far as a part of a plan must know it."""

    def __init__(self, reader: Reader | None) -> None:
        self._reader = reader

    def has(self, address: Address) -> bool:
        return self._reader is not None and self._reader.objects.get(address) is not None

    def references(self, address: Address) -> Collection[str]:
        record = self._reader.objects.get(address) if self._reader is not None else None
        return () if record is None else addresses_in(facts_of(record.declared, record.kind))
