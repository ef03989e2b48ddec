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
@click.argument("address", metavar="ADDRESS")
@managing_options
def command(*, address: str, allow_protected: bool, actor: Actor, output: str, where: Where) -> None:
    """Remove an object that no plan removes: one that was released or brought back, or whose git source
    nobody follows any more. What a source declares goes when its declaration does.

    A job that runs finishes first. Its history is kept, and `runner undo` brings it back for 30 days.

    \b
    Example:
      runner uninstall Job/nightly
    """
    from runner.cli.acting import opened
    from runner.operations.beside_plans import address_in
    from runner.operations.uninstall import uninstall

    meant = address_in(address)
    with opened(where) as store:
        managed = store.transact(
            lambda tx: uninstall(tx, meant, actor, datetime.now(UTC), allow_protected=allow_protected)
        )
    show_managed(managed, where, output)
