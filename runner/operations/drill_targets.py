"""Which targets of a run over an inventory are drilled? A few, evenly chosen, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.declaration.expressions import ExpressionError
from runner.lifecycle.task import TASK
from runner.operations.definition import define
from runner.operations.make_order import run_context
from runner.operations.targets_of import Target, targets_of
from runner.operations.whole_copies import WholeCopies
from runner.store.port import Store

SHOWN = 5
"""Names of targets in a note."""


def one_after_the_other(tasks: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved `tasks` of a drilled job: one process at a time, and one try for each target.

    A try that would come after the end of a target is not made; one that was killed goes on all the same.
    """
    return {**tasks, "parallel": 1, "retryEvery": "30d", "expiresIn": "29d"}


def freeze_some(
    store: Store,
    instance_id: int,
    spec: Mapping[str, Any],
    state: Path,
    *,
    most: int,
    zone: str,
    who: str,
    now: datetime,
) -> tuple[int, int, str]:
    """Give the recorded run `most` of the targets that it would have: how many it has, of how many, and a
    note that says which. All of them, when they cannot be told beforehand: then the run says why.
    """  # fmt: skip
    with store.read() as reader:
        instance = reader.instances.get(instance_id)
    assert instance is not None
    try:
        context = run_context(instance, define(spec, state), zone)
        targets = targets_of(spec["tasks"], context, state, WholeCopies())
    except ExpressionError:
        return 0, 0, ""
    chosen = evenly(targets, most)
    if not chosen:
        return 0, 0, ""
    create, inventory = TASK.move("NEW", "create"), spec["tasks"]["inventory"]

    def freeze(tx: Any) -> None:
        tx.tasks.freeze(instance_id, chosen, create, at=now, who=who, inventory=inventory)
        tx.instances.update(instance_id, epoch=0, targets=len(chosen))

    store.transact(freeze)
    return len(chosen), len(targets), _told(chosen, len(targets))


def evenly(targets: Sequence[Target], most: int) -> list[Target]:
    """The first, the last, and as many between them."""
    if len(targets) <= most:
        return list(targets)
    if most == 1:
        return [targets[0]]
    last = len(targets) - 1
    return [targets[round(place * last / (most - 1))] for place in range(most)]


def _told(chosen: Sequence[Target], count: int) -> str:
    if len(chosen) == count:
        return f"all {count} targets are drilled, one after the other" if count > 1 else ""
    names = ", ".join(name for name, _ in chosen[:SHOWN]) + (", …" if len(chosen) > SHOWN else "")
    return (
        f"{len(chosen)} of {count} targets are drilled, one after the other: {names}; --targets N drills more"
    )
