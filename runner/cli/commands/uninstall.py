"""`runner uninstall`: remove what no plan removes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.managing import managing_options, show_managed
from runner.cli.options import Where

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("uninstall")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--source", default=None, metavar="S", help="All that this source has installed, as git:old.")
@click.option("--yes", is_flag=True, help="Do not ask when more than one object is meant.")
@managing_options
def command(
    *,
    addresses: tuple[str, ...],
    source: str | None,
    yes: bool,
    allow_protected: bool,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Remove objects that no plan removes: released or brought back ones, and those of a git source that
    nobody follows any more. What a source declares goes when its declaration does.

    All of them or none. A job that runs finishes first. Their history is kept, and `runner undo` brings them
    back for 30 days.

    \b
    Example:
      runner uninstall Job/nightly
      runner uninstall --source git:old
    """
    from runner.cli.acting import opened
    from runner.cli.nouns import confirm
    from runner.operations.beside_plans import address_in
    from runner.operations.uninstall import of_source, uninstall

    if bool(addresses) == (source is not None):
        raise click.UsageError("name objects, or a source with --source")
    with opened(where) as store:
        meant = [address_in(each) for each in addresses]
        if source is not None:
            with store.read() as reader:
                meant = of_source(reader, source)
        confirm("uninstall", [str(each) for each in meant], yes=yes)
        managed = store.transact(
            lambda tx: uninstall(tx, meant, actor, datetime.now(UTC), allow_protected=allow_protected)
        )
    show_managed(managed, where, output)
