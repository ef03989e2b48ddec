"""`runner doctor`: is everything in place?"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from runner.cli.options import Where, common_options, output_option

_MARKS = {"ok": "ok", "warning": "warn", "error": "ERROR"}


@click.command("doctor")
@output_option("text", "json")
@common_options
def command(output: str, where: Where) -> None:
    """Examine the machine, the database, the daemon and the last reload; exit 1 when something is wrong.

    \b
    Example:
      runner doctor
    """
    from runner.operations.examine_installation import examine_installation
    from runner.vocabulary.printable import printable

    findings = examine_installation(where.project, where.database, datetime.now(UTC))
    if output == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            word = _MARKS[finding.verdict]
            click.echo(f"{word:<5}  {finding.topic:<12}  {printable(finding.text)}")
            if finding.advice:
                click.echo(f"       {'':<12}  -> {finding.advice}")
    if any(finding.verdict == "error" for finding in findings):
        raise click.exceptions.Exit(1)
