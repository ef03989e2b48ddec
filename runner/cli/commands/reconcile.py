"""`runner reconcile`: plan and apply in one step."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.acting import Duration
from runner.cli.options import Where, common_options, output_option
from runner.cli.planning import (
    FORMATS,
    declared_at,
    guard_options,
    path_options,
    refuse_without_database,
    show_applied,
    show_plan,
    show_warnings,
)

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("reconcile")
@path_options
@click.option("--dry-run", is_flag=True, help="Show the plan, refuse what would be refused, change nothing.")
@click.option("--wait", is_flag=True, help="Wait until removed jobs have finished their runs and are gone.")
@click.option("--timeout", type=Duration(), default=None, metavar="30m", help="With --wait: exit 124 then.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are (or were) changes.")
@click.option(
    "--expect",
    metavar="FILE",
    default=None,
    type=click.Path(dir_okay=False),
    help="Refuse any other plan than the one in FILE (of `plan --out` or `plan -o json`).",
)
@guard_options
@output_option(*FORMATS)
@common_options
@click.pass_context
def command(
    context: click.Context,
    *,
    path: str | None,
    base: str | None,
    dry_run: bool,
    wait: bool,
    timeout: timedelta | None,
    detailed_exitcode: bool,
    expect: str | None,
    create: bool,
    allow_delete: int | None,
    allow_protected: bool,
    adopt: bool,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Plan and apply in one step, for CI and agents; nobody is asked.

    The guards hold all the same: much is removed only with --allow-delete, protected objects change only with
    --allow-protected. PATH is relative to the working directory; the default is jobs.d of the project.

    \b
    Example:
      runner reconcile jobs.d --allow-delete 4
    """
    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    if not create:
        refuse_without_database(where, "reconcile")
    from runner.operations.plan import make_plan_for
    from runner.operations.reconcile import reconcile, rehearse
    from runner.operations.saved_plan import expected_digest
    from runner.operations.wake import wake_daemon
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    now = datetime.now().astimezone()
    expected = None if expect is None else expected_digest(Path(expect).absolute())
    source = declared_at(path, base, where)
    if dry_run:
        try:
            store = open_store(where.database, read_only=True)
        except NoDatabase:
            planned, has_database = make_plan_for(source, where.project, None, now), False
        else:
            try:
                planned, has_database = make_plan_for(source, where.project, store, now, outlook=True), True
            finally:
                store.close()
        show_warnings(planned)
        show_plan(planned.plan, where, output, database=has_database)
        rehearse(
            planned,
            actor,
            allow_delete=allow_delete,
            allow_protected=allow_protected,
            adopt=adopt,
            expect=expected,
        )
        if detailed_exitcode and not planned.plan.is_empty:
            context.exit(exits.CHANGES_PRESENT)
        return
    store = open_store(where.database, create=create)
    try:
        planned, applied = reconcile(
            source,
            where.project,
            store,
            actor,
            now,
            allow_delete=allow_delete,
            allow_protected=allow_protected,
            adopt=adopt,
            expect=expected,
        )
        if applied.changed:
            wake_daemon(where.state)
        show_warnings(planned)
        if output != "json":
            show_plan(planned.plan, where, output)
        show_applied(applied, output)
        if wait:
            from runner.cli.draining import wait_until_gone

            wait_until_gone(store, where, applied.draining, timeout)
    finally:
        store.close()
    if detailed_exitcode and applied.changed:
        context.exit(exits.CHANGES_PRESENT)
