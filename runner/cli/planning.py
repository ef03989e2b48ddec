"""What plan, apply and reconcile share: the path, the guards' options, and how a plan is shown."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from runner.cli.options import Where
    from runner.operations.carrying import Applied
    from runner.operations.plan import Planned, Stream
    from runner.reconcile.plan import Plan

R = TypeVar("R")

FORMATS = ("text", "json", "markdown")


HEAL = "End operators' holds on what git enables; each is a line of the plan."


def path_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add PATH and `--base`."""
    for add in (
        click.option(
            "--base", metavar="DIR", default=None, help="Where paths in a stream (-) are relative to."
        ),
        click.argument("path", required=False, default=None, metavar="[PATH]", type=click.Path()),
    ):
        command = add(command)
    return command


def invalid_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--on-invalid`."""
    return click.option(
        "--on-invalid",
        type=click.Choice(["refuse", "isolate"]),
        default=None,
        help="isolate: leave what is invalid as it is installed, and apply the rest (exit 4). Default: as "
        "the installed Runner says, else refuse.",
    )(command)


def guard_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--create`, the options that lift guards, `--heal` and `--as`; it gets `actor`."""

    @click.option("--create", is_flag=True, help="Make the database when there is none.")
    @click.option(
        "--allow-delete",
        type=click.IntRange(min=0),
        default=None,
        metavar="N",
        help="Up to N objects may be removed, even if that is much.",
    )
    @click.option("--allow-protected", is_flag=True, help="Objects of protected types may change and go.")
    @click.option("--adopt", is_flag=True, help="Take over a source that another project has installed.")
    @click.option("--heal", is_flag=True, help=HEAL)
    @click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
    @functools.wraps(command)
    def with_actor(*args: Any, as_name: str | None, **kwargs: Any) -> R:
        from runner.cli.acting import the_actor

        return command(*args, actor=the_actor(as_name), **kwargs)

    return with_actor


def declared_at(path: str | None, base: str | None, where: Where) -> Path | Stream | None:
    """What PATH and --base mean; reads standard input when PATH is `-`."""
    from runner.loading.limits import STREAM_BYTES
    from runner.operations.plan import Stream

    if path == "-":
        folder = Path(base).absolute() if base else where.project
        return Stream(sys.stdin.buffer.read(STREAM_BYTES + 1), folder)
    if base is not None:
        raise click.UsageError("--base goes with -, a stream of documents")
    return None if path is None else Path(path).absolute()


def show_warnings(planned: Planned) -> None:
    """What validation noticed, on stderr."""
    from runner.cli.views.diagnostics import show_text

    show_text([each for each in planned.diagnostics if each.severity != "note"], sys.stderr)


def show_plan(plan: Plan, where: Where, output: str, *, database: bool = True) -> None:
    """The plan on stdout."""
    if output == "json":
        from runner.cli.views.plan_json import plan_json
        from runner.cli.views.values import show_json

        show_json(plan_json(plan))
    elif output == "markdown":
        from runner.cli.views.plan_markdown import plan_markdown

        print(plan_markdown(plan, shown_database(where) if database else ""), end="")
    else:
        from runner.cli.views.plan_text import plan_text

        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(plan_text(plan, shown_database(where) if database else "", colour=colour), end="")


def show_applied(applied: Applied, output: str) -> None:
    """What was done; as JSON it is one object with the plan."""
    if output == "json":
        from runner.cli.views.plan_json import applied_json
        from runner.cli.views.values import show_json

        show_json(applied_json(applied))
        return
    from runner.cli.views.plan_text import summary_of

    if not applied.changed:
        return
    print(f"Applied: {summary_of(applied.plan)}; serial {applied.serial} now.")
    for address in applied.draining:
        print(f"{address} finishes its run first and goes when that has ended.")


def shown_database(where: Where) -> str:
    """The database's place, relative to the project where it can be."""
    try:
        return where.database.relative_to(where.project).as_posix()
    except ValueError:
        return str(where.database)


def refuse_without_database(where: Where, command: str) -> None:
    """Nothing, or NoDatabase: an apply into a database that nobody will ever open is no success."""
    from runner.vocabulary.errors import NoDatabase

    if not where.database.exists():
        raise NoDatabase(
            f"There is no database at {where.database}, so {command} would succeed for nobody; "
            "say --create to make one there, or name another with --db"
        )
