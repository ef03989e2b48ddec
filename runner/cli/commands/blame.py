"""`runner blame`: who has set a field."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.operations.checked_out import CheckedOut


@click.command("blame")
@click.argument("address", metavar="ADDRESS")
@click.argument("field", required=False, default=None, metavar="[FIELD]")
@click.option("--in", "path", metavar="PATH", default=None, type=click.Path(), help="Where it is declared.")
@output_option("text", "json")
@common_options
def command(*, address: str, field: str | None, path: str | None, output: str, where: Where) -> None:
    """Show who has set a field: file, line, the default of a type or of the Runner, commit and author.

    Without FIELD, each field that anybody has set. FIELD is written as in plans; spec. may be left out.

    \b
    Example:
      runner blame Job/nightly spec.timeout
    """
    from runner.cli.views.blame import show_blamed
    from runner.operations.beside_plans import address_in
    from runner.operations.blame import blame
    from runner.operations.last_fetched import fetched_with
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    source: Path | CheckedOut | None = None if path is None else Path(path).absolute()
    asked = address_in(address)
    try:
        store = open_store(where.database, read_only=True)
    except NoDatabase:
        store = None
    try:
        with store.read() if store is not None else nullcontext() as reader:
            if source is None and reader is not None:
                source = fetched_with(reader, where.state, asked)
            blamed = blame(asked, field, source, where.project, reader)
    finally:
        if store is not None:
            store.close()
    show_blamed(blamed, output, one=field is not None)
