"""`runner schema`: print the JSON Schema of the declarations."""

from __future__ import annotations

import json

import click

from runner.cli.options import Where, common_options
from runner.declaration.declared import KINDS


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(KINDS, case_sensitive=False),
    help="Only this kind; default: all, chosen by kind.",
)
@common_options
def command(kind: str | None, where: Where) -> None:
    """Print the JSON Schema (draft-07) of the declarations, for editors and other tools.

    \b
    Example:
      runner schema --kind Job > job.schema.json
    """
    from runner.declaration.json_schema import combined_schema, schema_of

    schema = combined_schema() if kind is None else schema_of(kind)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
