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
    from runner.operations.checked_out import CheckedOut


@click.command("adopt")
@click.argument("address", metavar="ADDRESS")
@click.argument("path", required=False, default=None, metavar="[PATH]", type=click.Path())
@managing_options
def command(
    *, address: str, path: str | None, allow_protected: bool, actor: Actor, output: str, where: Where
) -> None:
    """Let the source at PATH manage an installed object that another source manages, or none.

    The source must declare it; uid, history, state and holds stay. PATH is relative to the working directory;
    the default is jobs.d of the project. git:NAME is a git source, as it was fetched last.

    \b
    Example:
      runner adopt Job/nightly
      runner adopt Job/nightly git:team
    """
    from runner.cli.acting import opened
    from runner.operations.adopt import adopt
    from runner.operations.beside_plans import address_in
    from runner.operations.last_fetched import last_fetched
    from runner.sources.settings import PREFIX

    with opened(where) as store:
        source: Path | CheckedOut | None = None if path is None else Path(path).absolute()
        if path is not None and path.startswith(PREFIX) and not Path(path).exists():
            with store.read() as reader:
                source = last_fetched(reader, where.state, path.removeprefix(PREFIX))
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
