"""`runner release`: stop managing an object without removing it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.managing import managing_options, show_managed
from runner.cli.options import Where

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("release")
@click.argument("address", metavar="ADDRESS")
@managing_options
def command(*, address: str, allow_protected: bool, actor: Actor, output: str, where: Where) -> None:
    """Stop managing an installed object without removing it: no plan changes or removes it from now on.

    \b
    Example:
      runner release Job/nightly
    """
    from runner.cli.acting import opened
    from runner.operations.beside_plans import address_in
    from runner.operations.release import release

    meant = address_in(address)
    with opened(where) as store:
        managed = store.transact(
            lambda tx: release(tx, meant, actor, datetime.now(UTC), allow_protected=allow_protected)
        )
    show_managed(managed, where, output)
