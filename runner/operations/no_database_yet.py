"""What would be done where there is no database yet? Nothing is made there for what is refused."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from runner.operations.plan import Planned
from runner.reconcile.plan import Plan
from runner.store.open import open_store
from runner.store.port import Store
from runner.vocabulary.errors import StalePlan


def is_to_be_made(database: Path) -> bool:
    """Whether there is none; an empty file is none."""
    return not database.exists() or (database.is_file() and database.stat().st_size == 0)


def refuse_plan_of_a_database(plan: Plan, database: Path) -> None:
    """Nothing, or StalePlan when the plan was made against what is not there."""
    if plan.lineage is not None:
        raise StalePlan(
            f"The plan was made for a database ({plan.lineage}), and there is none at {database}; "
            "make a new plan"
        )


@contextmanager
def no_database_yet(state: Path) -> Iterator[Store]:
    """An empty one elsewhere, to plan against. What reading the declarations makes in `state`, and `state`
    itself, go again when the block raises, unless they were there before or somebody else uses them.
    """
    made = [folder for folder in (state, *state.parents) if not folder.exists()]
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="runner-") as folder,
            contextlib.closing(open_store(Path(folder) / "runner.db", create=True)) as store,
        ):
            yield store
    except BaseException:
        if state in made:
            for left in (state / "cache", *state.glob("isolated-*")):
                shutil.rmtree(left, ignore_errors=True)
        with contextlib.suppress(OSError):  # from here on others use it
            for each in made:
                each.rmdir()
        raise


def made_elsewhere(planned: Planned) -> Planned:
    """A plan that was made so, for any database in which there is nothing."""
    return replace(planned, plan=replace(planned.plan, lineage=None))
