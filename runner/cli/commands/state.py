"""`runner state`: what a job's code has saved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.acting import acting_options, opened
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor

FORMATS = ("text", "json", "yaml")


@click.group()
def command() -> None:
    """Show or clear the state that a job has saved.

    \b
    Example:
      runner state show contact-import
    """


@command.command("show")
@click.argument("name")
@output_option(*FORMATS)
@common_options
def show(name: str, output: str, where: Where) -> None:
    """Show what the runs of a job have saved, and what it keeps for good.

    \b
    Example:
      runner state show contact-import -o json
    """
    from runner.cli.views.state import show_saved
    from runner.operations.state import show_state

    with opened(where, read_only=True) as store, store.read() as reader:
        saved = show_state(reader, name)
    show_saved(saved, output)


@command.command("clear")
@click.argument("name")
@click.option(
    "--instance", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="Only what this run has saved."
)
@click.option("--persistent", is_flag=True, help="Also what the job keeps for good.")
@click.option("--allow-protected", is_flag=True, help="Also of a job of a protected type.")
@acting_options
@output_option(*FORMATS)
@common_options
def clear(
    *,
    name: str,
    instance: int | None,
    persistent: bool,
    allow_protected: bool,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Delete what the runs of a job have saved; refused (exit 3) while it is RUNNING.

    \b
    Example:
      runner state clear contact-import --reason "start from the first page"
    """
    from runner.cli.views.state import show_cleared
    from runner.operations.state import clear_state

    now = datetime.now(UTC)
    with opened(where) as store:
        cleared = store.transact(
            lambda tx: clear_state(
                tx,
                name,
                actor=actor,
                reason=reason,
                now=now,
                instance=instance,
                persistent=persistent,
                allow_protected=allow_protected,
            )
        )
    show_cleared(cleared, output)
