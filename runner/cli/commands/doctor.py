"""`runner doctor`: is everything in place?"""

from __future__ import annotations

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
    from runner.cli.views.values import show_json
    from runner.operations.examine_installation import examine_installation
    from runner.vocabulary.printable import printable

    findings = examine_installation(where.project, where.database, datetime.now(UTC))
    if output == "json":
        show_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            word = _MARKS[finding.verdict]
            click.echo(f"{word:<5}  {finding.topic:<12}  {printable(finding.text)}")
            if finding.advice:
                click.echo(f"       {'':<12}  -> {finding.advice}")
    if any(finding.verdict == "error" for finding in findings):
        raise click.exceptions.Exit(1)
