"""`runner schema`: what other tools must know of the declarations."""

from __future__ import annotations

import json
from pathlib import Path

import click

from runner.cli.options import Where, common_options
from runner.declaration.declared import KINDS


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(KINDS, case_sensitive=False),
    help="Only this kind; default: all, chosen by kind.",
)
@click.option(
    "--kustomize",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a component for kustomize into this folder instead: merge keys and name references.",
)
@common_options
def command(kind: str | None, kustomize: Path | None, where: Where) -> None:
    """Print the JSON Schema (draft-07) of the declarations, for editors and other tools.

    \b
    Example:
      runner schema --kind Job > job.schema.json
    """
    if kustomize is not None:
        from runner.declaration.kustomize import write_kustomize

        if kind is not None:
            raise click.UsageError("--kustomize is about all kinds; leave --kind out")
        for file in write_kustomize(kustomize):
            click.echo(file)
        return
    from runner.declaration.json_schema import combined_schema, schema_of

    schema = combined_schema() if kind is None else schema_of(kind)
    click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
