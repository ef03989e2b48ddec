"""`runner jobs items`: what has arrived for a job, and another chance for what failed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.acting import FORMATS, acting_options, opened
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor

STATES = ("WAITING", "TAKEN", "MOVING", "DONE", "FAILED", "DROPPED")


@click.command("items")
@click.argument("name", shell_complete=names_of("Job"))
@click.option("--state", type=click.Choice(STATES, case_sensitive=False), help="Only those in this state.")
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many."
)
@click.option("--again", type=int, default=None, metavar="ID", help="Let this one, that failed, wait again.")
@click.option("--drop", type=int, default=None, metavar="ID", help="Give this one up.")
@acting_options
@output_option(*FORMATS)
@common_options
def command(
    where: Where,
    name: str,
    state: str | None,
    limit: int,
    again: int | None,
    drop: int | None,
    actor: Actor,
    reason: str,
    output: str,
) -> None:
    """Show what has arrived for a job by its triggers, newest first, and what has become of it.

    \b
    Example:
      runner jobs items orders --state failed
      runner jobs items orders --again 17
    """
    from runner.cli.views import items as view
    from runner.operations import items

    if again is not None and drop is not None:
        raise click.UsageError("--again and --drop exclude each other")
    with opened(where) as store:
        if again is None and drop is None:
            with store.read() as reader:
                states = None if state is None else (state.upper(),)
                found = items.list_items(reader, name, states, limit)
            view.show_items(found, output)
            return
        from runner.operations.wake import wake_daemon

        now = datetime.now(UTC)
        act = items.give_again if again is not None else items.drop_item
        id = again if again is not None else drop
        assert id is not None
        acted = store.transact(lambda tx: act(tx, name, id, actor=actor, reason=reason, now=now))
        wake_daemon(where.state)
        view.show_acted(acted, output)
    raise SystemExit(exits.SUCCESS)
