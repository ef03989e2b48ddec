"""Which targets does this run fan out over? Read from the inventory that its definition is pinned to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.declaration.expression_cost import MOST_STEPS
from runner.declaration.expressions import ExpressionError, compile_expression, is_true
from runner.declaration.targets import NAME
from runner.loading.inventory import read_inventory
from runner.operations.blobs import blob_path
from runner.operations.whole_copies import DamagedCopy, WholeCopies

ENOUGH_FOR_ONE = 10_000
"""Steps of `where` for one target, however many there are."""

Target = tuple[str, Mapping[str, Any]]
"""Its name, and what the inventory says of it."""


def targets_of(
    tasks: Mapping[str, Any], context: Mapping[str, Any], state: Path, copies: WholeCopies
) -> list[Target]:
    """The targets of a resolved `tasks` that its `where` lets through, in the order of the inventory.

    `context` are the names that `where` may read, but for the target itself. Raises ExpressionError, with
    the target, when `where` has no value for one; UnknownName or DamagedCopy when the copy of the inventory's
    file is gone, or is not what was applied.
    """
    targets = list(_inventory(tasks, state, copies).items())
    if not tasks["where"]:
        return targets
    compile_expression(tasks["where"])  # once; it is found again for each target
    chosen: list[Target] = []
    for name, values in targets:
        try:
            names = {**context, "target": as_target(name, values)}
            if is_true(tasks["where"], names, most_steps=max(MOST_STEPS / len(targets), ENOUGH_FOR_ONE)):
                chosen.append((name, values))
        except ExpressionError as problem:
            raise ExpressionError(f"tasks.where cannot be decided for target {name}: {problem}") from None
    return chosen


def as_target(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What expressions and code see as `target`."""
    return {**values, NAME: name}


def _inventory(tasks: Mapping[str, Any], state: Path, copies: WholeCopies) -> Mapping[str, Mapping[str, Any]]:
    if tasks["targets"] is not None:
        targets: Mapping[str, Mapping[str, Any]] = tasks["targets"]
        return targets
    ((path, sha256),) = tasks["files"].items()
    copy = blob_path(state, sha256)
    copies.require(path, str(copy))
    read = read_inventory(
        copy.read_bytes(), tasks["format"], name_column=tasks["nameColumn"], delimiter=tasks["delimiter"]
    )
    if read.problems:  # it was without any when it was applied, by another release perhaps
        raise DamagedCopy(f"{path}: {read.problems[0].wrong.detail}; correct it, and apply it again")
    return read.targets
