"""What does a program read on stdout when it asked for JSON, or for a comment, and the command failed?

The sentence for people is on stderr all the same. Wrong usage (64) has nothing on stdout: what was not
understood has not asked for a format either.
"""

from __future__ import annotations

from typing import Any

import click

from runner.cli import exits
from runner.cli.meta import has_document, output_of
from runner.vocabulary.errors import InvalidDeclarations, Refused, RunnerError


def show_failure(context: click.Context, problem: RunnerError | OSError) -> None:
    """The failure in the format that was asked for, unless stdout has a document already."""
    asked = output_of(context)
    if has_document(context):
        return
    if asked in ("json", "yaml"):
        from runner.cli.views.values import show_json, show_yaml

        (show_json if asked == "json" else show_yaml)({"error": _as_json(problem)})
    elif asked not in (None, "text", "name") and isinstance(problem, InvalidDeclarations):
        from runner.cli.views.findings import show_findings

        show_findings(problem.diagnostics, asked, f"runner {context.invoked_subcommand}")


def _as_json(problem: RunnerError | OSError) -> dict[str, Any]:
    told: dict[str, Any] = {
        "exit_code": exits.REFUSED if isinstance(problem, Refused) else exits.ERROR,
        "message": exits.sentence(problem),
    }
    if isinstance(problem, InvalidDeclarations):
        from runner.cli.views.diagnostics import as_json

        told["diagnostics"] = as_json(problem.diagnostics)
    return told
