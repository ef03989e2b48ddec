"""`runner fmt`: one layout for all declarations."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.options import Where, common_options

if TYPE_CHECKING:
    from runner.operations.lay_out_files import LaidOut


@click.command("fmt")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when a file is laid out otherwise.")
@click.option("--diff", is_flag=True, help="Show what changes.")
@common_options
@click.pass_context
def command(context: click.Context, *, paths: tuple[str, ...], check: bool, diff: bool, where: Where) -> None:
    """Bring declarations into one layout; comments, quotes and the order of fields stay.

    PATH is a folder, a file, or - for a text on standard input, which is printed; the default is jobs.d of
    the project. A file whose content or comments would change stays as it is, and is named.

    \b
    Example:
      runner fmt --check
    """
    from runner.loading.limits import STREAM_BYTES
    from runner.operations.lay_out_files import look_at, look_at_text, write
    from runner.vocabulary.duration import format_size

    if "-" in paths:
        if len(paths) > 1:
            raise click.UsageError("- stands alone")
        text = sys.stdin.read(STREAM_BYTES + 1)
        if len(text) > STREAM_BYTES:
            raise click.ClickException(f"standard input is longer than {format_size(STREAM_BYTES)}")
        found = look_at_text(text, Path("-"))
        if not check:
            print(found.after, end="")
        _tell_problem(found)
        if found.problem or (check and found.differs):
            context.exit(exits.ERROR)
        return
    changed = wrong = looked_at = 0
    for found in look_at([Path(path) for path in paths] or [where.project / "jobs.d"]):
        looked_at += 1
        wrong += bool(found.problem)
        _tell_problem(found)
        if not found.differs:
            continue
        changed += 1
        if diff:
            _show_difference(found)
        if not check:
            write(found)
        print(f"{'would change' if check else 'changed'}  {_shown(found.file)}")
    files = f"{looked_at} file{'' if looked_at == 1 else 's'}"
    print(f"{files}, {changed} {'to be changed' if check else 'changed'}.", file=sys.stderr)
    if wrong or (check and changed):
        context.exit(exits.ERROR)


def _tell_problem(found: LaidOut) -> None:
    from runner.cli.views.diagnostics import show_text
    from runner.cli.views.values import warn

    if found.diagnostics:
        show_text(found.diagnostics, sys.stderr)
    elif found.problem:
        warn(found.problem)


def _show_difference(found: LaidOut) -> None:
    from runner.vocabulary.printable import visible

    name = _shown(found.file)
    before, after = found.before.splitlines(), found.after.splitlines()
    for line in difflib.unified_diff(before, after, name, name, lineterm=""):
        print(visible(line))


def _shown(file: Path) -> str:
    from runner.vocabulary.printable import printable

    try:
        return printable(str(file.resolve().relative_to(Path.cwd())))
    except ValueError:
        return printable(str(file))
