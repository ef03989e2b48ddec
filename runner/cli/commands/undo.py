"""`runner undo`: bring back what was uninstalled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from runner.cli.managing import managing_options, show_managed
from runner.cli.options import Where

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("undo")
@click.argument("address", required=False, default=None, metavar="[ADDRESS]")
@managing_options
def command(*, address: str | None, allow_protected: bool, actor: Actor, output: str, where: Where) -> None:
    """Bring an uninstalled object back, with its history and its state; without ADDRESS list what can be.

    It can be for 30 days (keepRemoved of the Runner). Its schedules count from now, and no plan removes it
    until it is declared again.

    \b
    Example:
      runner undo Job/nightly
    """
    from runner.cli.acting import opened
    from runner.operations.beside_plans import address_in
    from runner.operations.undo import removed_objects, undo

    now = datetime.now(UTC)
    if address is None:
        from runner.cli.views.removed import show_removed

        with opened(where, read_only=True) as store, store.read() as reader:
            show_removed(removed_objects(reader, now), output)
        return
    meant = address_in(address)
    with opened(where) as store:
        managed = store.transact(
            lambda tx: undo(tx, meant, actor, now, state=where.state, allow_protected=allow_protected)
        )
    show_managed(managed, where, output)
