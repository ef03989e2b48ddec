"""`runner jobs backfill`: start a job for each slot of a time that is over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.acting import acting_options, opened
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("backfill")
@click.argument("name", shell_complete=names_of("Job"))
@click.option("--from", "first", required=True, metavar="D", help="The first day, or a time.")
@click.option("--to", "last", required=True, metavar="D", help="The last day (it belongs to it), or a time.")
@click.option("--dry-run", is_flag=True, help="Only show which slots would be started.")
@click.option("--force", is_flag=True, help="Past holds; recorded.")
@acting_options
@output_option("text", "json")
@common_options
def command(
    *,
    name: str,
    first: str,
    last: str,
    dry_run: bool,
    force: bool,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Start the job NAME once for each slot from D to D that is over, oldest first, one at a time.

    Slots that have a run that succeeded are left out, and those that an earlier backfill still waits for. The
    schedule's own slots are never used up; `deadline` does not count, because the slots are long over.

    \b
    Example:
      runner jobs backfill sales-summary --from 2026-11-01 --to 2026-11-14 --dry-run
    """
    import uuid

    from runner.cli.views.backfill import show_backfill
    from runner.cli.views.values import warn
    from runner.operations.backfill import backfill_job
    from runner.operations.daemon_now import nobody_starts
    from runner.operations.wake import wake_daemon

    with opened(where, read_only=dry_run) as store:
        done = backfill_job(
            store,
            name,
            first=first,
            last=last,
            actor=actor,
            key=str(uuid.uuid4()),
            now=datetime.now(UTC),
            reason=reason,
            dry_run=dry_run,
            force=force,
        )
    if done.starts and not dry_run:
        wake_daemon(where.state, for_a_start=True)
        if nobody := nobody_starts(where.state):
            warn(f"{nobody}: the starts are recorded, and carried out by the next `runner up`.")
    show_backfill(done, output)
