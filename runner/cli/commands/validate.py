"""`runner validate`: check declarations, offline."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--base", metavar="DIR", default=None, help="Where paths in a stream (-) are relative to.")
@output_option("text", "json", "github", "sarif", "junit", "markdown")
@common_options
@click.pass_context
def command(
    context: click.Context, paths: tuple[str, ...], base: str | None, output: str, where: Where
) -> None:
    """Check declarations, offline: every problem of the whole tree at once.

    PATH is a folder, a file, or - for a stream, relative to the working directory; the default is jobs.d of
    the project. Exit code 0 when there is no error, 1 when there is one.

    \b
    Example:
      runner validate jobs.d -o github
    """
    from runner.cli.views import diagnostics as view
    from runner.cli.views.values import show_json
    from runner.operations.validate import validate, validate_stream

    now = datetime.now(UTC)
    if "-" in paths:
        if len(paths) > 1:
            raise click.UsageError("- stands alone: a stream cannot be checked together with other paths")
        folder = Path(base) if base else where.project
        found = validate_stream(sys.stdin.buffer.read(limit()), base=folder, project=where.project, now=now)
    else:
        if base:
            raise click.UsageError("--base goes with -, a stream of documents")
        state = where.state if where.state.is_dir() else None
        chosen = [Path(path) for path in paths]
        found = validate(chosen, project=where.project, state=state, now=now)

    if output == "json":
        show_json(view.as_json(found.diagnostics))
    elif output != "text":
        from runner.cli.views.findings import show_findings

        show_findings(found.diagnostics, output, "runner validate")
    else:
        view.show_text(found.diagnostics, sys.stdout)
        files = f"{found.files} file{'' if found.files == 1 else 's'}"
        objects = f"{found.objects} object{'' if found.objects == 1 else 's'}"
        counts = view.counted(found.diagnostics)
        if found.is_valid:
            print(f"Valid: {objects} in {files}{'; ' + counts if counts else ''}.")
        else:
            print(f"Invalid: {counts} in {files}.")
    if not found.is_valid:
        context.exit(exits.ERROR)


def limit() -> int:
    """How much of a stream is read: one byte more than is accepted, so that too much is noticed."""
    from runner.loading.limits import STREAM_BYTES

    return STREAM_BYTES + 1
