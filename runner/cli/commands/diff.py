"""`runner diff`: what differs between two serials."""

from __future__ import annotations

import click

from runner.cli.options import Where, common_options, output_option


@click.command("diff")
@click.argument("since", metavar="A")
@click.argument("until", metavar="[B]", required=False, default=None)
@output_option("text", "json")
@common_options
def command(*, since: str, until: str | None, output: str, where: Where) -> None:
    """Show what was changed from A to B (default: now), object by object.

    A and B are serials of `runner history`, or commits that were applied; 0 is before the first.

    \b
    Example:
      runner diff 12 15
      runner diff 4f2c9e1
    """
    from runner.cli.acting import opened
    from runner.cli.views.history import show_difference
    from runner.operations.history import difference_between, serial_called

    with opened(where, read_only=True) as store, store.read() as reader:
        first = serial_called(reader, since)
        last = reader.serial() if until is None else serial_called(reader, until)
        show_difference(difference_between(reader, first, last), first, last, output)
