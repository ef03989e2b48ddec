"""`runner diff`: what differs between two serials."""

from __future__ import annotations

import click

from runner.cli.options import Where, common_options, output_option


@click.command("diff")
@click.argument("since", metavar="A", type=click.IntRange(0))
@click.argument("until", metavar="[B]", type=click.IntRange(0), required=False, default=None)
@output_option("text", "json")
@common_options
def command(*, since: int, until: int | None, output: str, where: Where) -> None:
    """Show what was changed between the serials A and B (default: now), object by object.

    `runner history` lists the serials.

    \b
    Example:
      runner diff 12 15
    """
    from runner.cli.acting import opened
    from runner.cli.views.history import show_difference
    from runner.operations.history import difference_between

    with opened(where, read_only=True) as store, store.read() as reader:
        last = reader.serial() if until is None else until
        show_difference(difference_between(reader, since, last), since, last, output)
