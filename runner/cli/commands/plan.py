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
    invalid_option,
    path_options,
    show_plan,
    show_warnings,
    shown_database,
)
from runner.cli.views.findings import FINDING_FORMATS, show_findings
from runner.operations.reconcile import left_alone
from runner.reconcile.fail_on import REASONS_TO_FAIL, reasons_to_fail

if TYPE_CHECKING:
    from runner.operations.checked_out import CheckedOut
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
@click.option(
    "--against",
    metavar="GITREF",
    help="Compare with what this commit declares, not with a database; nothing in it is executed.",
)
@invalid_option
@output_option(*FORMATS, *FINDING_FORMATS)
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
    against: str | None,
    on_invalid: str | None,
    output: str,
    where: Where,
) -> None:
    """Show what apply would change; reads only.

    PATH is a folder, a file, or - for a stream, relative to the working directory; the default is jobs.d of
    the project; git:NAME is what was fetched last of a git source. Only a plan of a whole source removes
    anything. With --against main it compares two states of
    the repository: that needs no database, and is safe for what strangers propose.

    \b
    Example:
      runner plan jobs.d --detailed-exitcode
    """
    if against is not None and (out is not None or heal):
        raise click.UsageError("--against compares with a commit: there is nothing to carry out or to heal")
    planned, has_database = _planned(
        _asked_for(path, base, where), where, heal=heal, against=against, on_invalid=on_invalid
    )
    show_warnings(planned)
    if out is not None:
        from runner.operations.saved_plan import save_plan

        save_plan(planned, Path(out).absolute())
    refusals = _refusals(planned)
    if output in FINDING_FORMATS:
        from runner.cli.views.plan_findings import plan_findings

        show_findings(plan_findings(planned.plan, refusals), output, "runner plan")
    else:
        show_plan(planned.plan, where, output, database=has_database)
    for refusal in refusals:
        print(f"apply will refuse this{refusal}.", file=sys.stderr)
    if fail_on and (reasons := reasons_to_fail(planned.plan, fail_on)):
        for reason in reasons:
            print(f"Refused by --fail-on: {reason}.", file=sys.stderr)
        context.exit(exits.REFUSED)
    if left_alone(planned, planned.plan):
        context.exit(exits.PARTIAL)
    if detailed_exitcode and not planned.plan.is_empty:
        context.exit(exits.CHANGES_PRESENT)


def _asked_for(path: str | None, base: str | None, where: Where) -> Path | Stream | CheckedOut | None:
    """What PATH means; `git:NAME` is what was fetched last of a git source."""
    from runner.sources.settings import PREFIX

    if path is None or not path.startswith(PREFIX) or Path(path).exists():
        return declared_at(path, base, where)
    from runner.cli.acting import opened
    from runner.operations.last_fetched import last_fetched

    with opened(where, read_only=True) as store, store.read() as reader:
        return last_fetched(reader, where.state, path.removeprefix(PREFIX))


def _planned(
    source: Path | Stream | CheckedOut | None,
    where: Where,
    *,
    heal: bool,
    against: str | None,
    on_invalid: str | None,
) -> tuple[Planned, bool]:
    from runner.operations.checked_out import CheckedOut
    from runner.operations.plan import make_plan_for
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    now = datetime.now().astimezone()
    if against is not None:
        from runner.operations.plan_against import make_plan_against

        state = where.state if where.state.is_dir() else None
        if isinstance(source, CheckedOut):
            raise click.UsageError("--against compares folders; a git source is compared with the database")
        return make_plan_against(source, where.project, against, now, state=state), False
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
        return make_plan_for(
            source, where.project, store, now, outlook=True, heal=heal, on_invalid=on_invalid
        ), True
    finally:
        store.close()


def _refusals(planned: Planned) -> list[str]:
    """What apply would refuse, each as the end of a sentence."""
    from runner.reconcile.guards import deletion_refusal, protected_changes

    found = [f": {planned.ownership.refusal}"] if planned.ownership.refusal else []
    refusal = deletion_refusal(planned.plan, None, planned.budget)
    if refusal is not None:
        found.append(f": {refusal}")
    guarded = protected_changes(planned.plan)
    if guarded:
        names = ", ".join(str(change.address) for change in guarded[:5])
        found.append(f" without --allow-protected: {names} protected")
    return found
