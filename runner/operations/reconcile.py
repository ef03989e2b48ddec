"""Plan and apply in one step: for CI, for agents and for the daemon."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from runner.access.permission import Actor
from runner.operations.apply import Applied, carry_out, refuse_by_guards
from runner.operations.plan import Planned, Stream, make_plan_for
from runner.store.port import Store
from runner.vocabulary.errors import StalePlan

ATTEMPTS = 3
"""Another apply may come between planning and applying: then the plan is made anew, so often."""


def reconcile(
    path: Path | Stream | None,
    project: Path,
    store: Store,
    actor: Actor,
    now: datetime,
    *,
    allow_delete: int | None = None,
    allow_protected: bool = False,
    adopt: bool = False,
    expect: str | None = None,
) -> tuple[Planned, Applied]:
    """The plan for what is declared at `path`, and what was done.

    `expect` is the digest of a plan that somebody has agreed to: StalePlan when another one is needed. Raises
    as `make_plan_for` and `carry_out` do; nothing is changed then.
    """
    for attempt in range(1, ATTEMPTS + 1):
        planned = make_plan_for(path, project, store, now)
        refuse_unexpected(planned, expect)
        try:
            applied = carry_out(
                planned,
                store,
                actor,
                now,
                allow_delete=allow_delete,
                allow_protected=allow_protected,
                adopt=adopt,
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
    expect: str | None = None,
) -> None:
    """Nothing, or what `reconcile` would refuse; changes nothing."""
    refuse_unexpected(planned, expect)
    refuse_by_guards(planned, actor, allow_delete=allow_delete, allow_protected=allow_protected, adopt=adopt)


def refuse_unexpected(planned: Planned, expect: str | None) -> None:
    """Nothing, or StalePlan when this is not the plan that somebody agreed to."""
    if expect is not None and planned.plan.digest != expect:
        raise StalePlan(
            f"What would change now ({planned.plan.digest[:19]}…) is not what was expected ({expect[:19]}…); "
            "look at a new plan"
        )
