"""`runner history`: what was applied."""

from __future__ import annotations

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option


@click.command("history")
@click.argument("what", required=False, default=None, metavar="[SERIAL|COMMIT|ADDRESS]")
@click.option("-n", "count", type=click.IntRange(0), default=20, show_default=True, help="How many; 0: all.")
@click.option("--source", metavar="S", help="Only applies of this source.")
@click.option(
    "--verify", is_flag=True, help="Check that no apply was altered or taken out; exit 1 if one was."
)
@output_option("text", "json")
@common_options
@click.pass_context
def command(
    context: click.Context,
    *,
    what: str | None,
    count: int,
    source: str | None,
    verify: bool,
    output: str,
    where: Where,
) -> None:
    """Show what was applied, newest first: who, when, by which command, from which commit.

    SERIAL or COMMIT shows one apply with every change, ADDRESS the revisions of one object. Applies are
    written down for good, each with a hash over itself and the one before; -n 0 -o json exports all of them.

    \b
    Example:
      runner history Job/nightly
    """
    from runner.cli.acting import opened
    from runner.cli.views import history as view
    from runner.operations.beside_plans import address_in
    from runner.operations.history import A_COMMIT, apply_called, revisions_of

    if verify and (what is not None or source is not None):
        raise click.UsageError("--verify looks at all applies")
    limit = count or None
    with opened(where, read_only=True) as store, store.read() as reader:
        if verify:
            broken = reader.applies.broken()
            view.show_chain(broken, len(reader.applies.list(limit=None)), output)
            if broken:
                context.exit(exits.ERROR)
        elif what is None:
            view.show_applies(reader.applies.list(limit=limit, source=source), output)
        elif what.isdecimal() or A_COMMIT.match(what):
            view.show_apply(apply_called(reader, what), output)
        else:
            view.show_revisions(revisions_of(reader, address_in(what), limit or 1_000_000), output)
