"""`runner plan`: what would change."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option
from runner.cli.planning import (
    FORMATS,
    HEAL,
    declared_at,
    path_options,
    show_plan,
    show_warnings,
    shown_database,
)
from runner.reconcile.fail_on import REASONS_TO_FAIL, reasons_to_fail

if TYPE_CHECKING:
    from runner.operations.plan import Planned, Stream


@click.command("plan")
@path_options
@click.option(
    "--out",
    metavar="FILE",
    default=None,
    type=click.Path(dir_okay=False),
    help="Save the plan for `apply --plan FILE`.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@click.option(
    "--fail-on",
    metavar="WHAT",
    multiple=True,
    type=click.Choice(REASONS_TO_FAIL),
    help="Exit with 3 when the plan has a backtest that a run would not have passed, a new pileup, or a "
    "change of something protected. May be given several times.",
)
@click.option("--heal", is_flag=True, help=HEAL)
@output_option(*FORMATS)
@common_options
@click.pass_context
def command(
    context: click.Context,
    *,
    path: str | None,
    base: str | None,
    out: str | None,
    detailed_exitcode: bool,
    fail_on: tuple[str, ...],
    heal: bool,
    output: str,
    where: Where,
) -> None:
    """Show what apply would change; reads only.

    PATH is a folder, a file, or - for a stream, relative to the working directory; the default is jobs.d of
    the project. Only a plan of a whole source removes anything.

    \b
    Example:
      runner plan jobs.d --detailed-exitcode
    """
    planned, has_database = _planned(declared_at(path, base, where), where, heal=heal)
    show_warnings(planned)
    if out is not None:
        from runner.operations.saved_plan import save_plan

        save_plan(planned, Path(out).absolute())
    show_plan(planned.plan, where, output, database=has_database)
    _warn_of_refusals(planned)
    if fail_on and (reasons := reasons_to_fail(planned.plan, fail_on)):
        for reason in reasons:
            print(f"Refused by --fail-on: {reason}.", file=sys.stderr)
        context.exit(exits.REFUSED)
    if detailed_exitcode and not planned.plan.is_empty:
        context.exit(exits.CHANGES_PRESENT)


def _planned(source: Path | Stream | None, where: Where, *, heal: bool) -> tuple[Planned, bool]:
    from runner.operations.plan import make_plan_for
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    now = datetime.now().astimezone()
    try:
        store = open_store(where.database, read_only=True)
    except NoDatabase:
        state = where.state if where.state.is_dir() else None
        planned = make_plan_for(source, where.project, None, now, state=state)
        print(
            f"There is no database at {shown_database(where)}: the plan compares with nothing.",
            file=sys.stderr,
        )
        return planned, False
    try:
        return make_plan_for(source, where.project, store, now, outlook=True, heal=heal), True
    finally:
        store.close()


def _warn_of_refusals(planned: Planned) -> None:
    from runner.reconcile.guards import deletion_refusal, protected_changes

    if planned.ownership.refusal:
        print(f"apply will refuse this: {planned.ownership.refusal}.", file=sys.stderr)
    refusal = deletion_refusal(planned.plan, None, planned.budget)
    if refusal is not None:
        print(f"apply will refuse this: {refusal}.", file=sys.stderr)
    guarded = protected_changes(planned.plan)
    if guarded:
        names = ", ".join(str(change.address) for change in guarded[:5])
        print(f"apply will refuse this without --allow-protected: {names} protected.", file=sys.stderr)
