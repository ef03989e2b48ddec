"""`runner status`: what needs a person."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from runner.cli.acting import opened
from runner.cli.options import Where, common_options, output_option


@click.command("status")
@output_option("text", "json", "yaml")
@common_options
def command(output: str, where: Where) -> None:
    """Show what needs a person: failed, UNKNOWN, stuck, missed, invalid files, a full disk; exit 1 then.

    \b
    Example:
      runner status
    """
    from runner.cli.views.situation import show_situation
    from runner.operations.status import situation

    with opened(where, read_only=True) as store, store.read() as reader:
        found = situation(reader, where.state, datetime.now(UTC))
    show_situation(found, output)
    if not found.ok:
        raise click.exceptions.Exit(1)
