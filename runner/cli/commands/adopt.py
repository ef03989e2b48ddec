"""`runner adopt`: let a source manage an object."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.managing import managing_options, show_managed
from runner.cli.options import Where

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("adopt")
@click.argument("address", metavar="ADDRESS")
@click.argument("path", required=False, default=None, metavar="[PATH]", type=click.Path())
@managing_options
def command(
    *, address: str, path: str | None, allow_protected: bool, actor: Actor, output: str, where: Where
) -> None:
    """Let the source at PATH manage an installed object that another source manages, or none.

    The source must declare it; uid, history, state and holds stay. PATH is relative to the working directory;
    the default is jobs.d of the project.

    \b
    Example:
      runner adopt Job/nightly
    """
    from runner.cli.acting import opened
    from runner.operations.adopt import adopt
    from runner.operations.beside_plans import address_in

    source = None if path is None else Path(path).absolute()
    with opened(where) as store:
        managed = adopt(
            address_in(address),
            source,
            where.project,
            store,
            actor,
            datetime.now(UTC),
            allow_protected=allow_protected,
        )
    show_managed(managed, where, output)
