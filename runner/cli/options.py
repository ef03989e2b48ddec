"""The options that every command shares, and what they resolve to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from runner.cli.meta import remember_output

R = TypeVar("R")


COMMON = ("project", "db")
"""What every command takes."""


@dataclass(frozen=True, slots=True)
class Where:
    """The project folder, its database and its state directory (all absolute)."""

    project: Path
    database: Path

    @property
    def state(self) -> Path:
        """Where logs, file copies and caches live: beside the database."""
        return self.database.parent


def _where(project: str, db: str | None) -> Where:
    try:
        folder = Path(project).resolve()
    except FileNotFoundError:
        raise click.ClickException("the working directory is gone; change into one that exists") from None
    if db is None:
        return Where(folder, folder / ".runner" / "runner.db")
    if "://" in db and not db.startswith("sqlite:///"):
        raise click.BadParameter(f"{db!r}: this release stores in SQLite only; give a path or sqlite:///PATH")
    path = Path(db.removeprefix("sqlite:///")).expanduser()
    return Where(folder, path if path.is_absolute() else folder / path)


def where_of(context: click.Context) -> Where:
    """What a command line means that is still being typed."""
    given = context.params
    return _where(
        _said("project", given.get("project"), context) or ".", _said("db", given.get("db"), context)
    )


def common_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--project` and `--db`; the command gets them as one `where: Where`."""

    @click.option(
        "--project",
        default=".",
        envvar="RUNNER_PROJECT",
        metavar="DIR",
        help="Project folder (RUNNER_PROJECT; default: this folder).",
    )
    @click.option(
        "--db",
        default=None,
        envvar="RUNNER_DB",
        metavar="URL",
        help="Database (RUNNER_DB; default: <project>/.runner/runner.db).",
    )
    @functools.wraps(command)
    def with_where(*args: Any, project: str, db: str | None, **kwargs: Any) -> R:
        context = click.get_current_context(silent=True)
        where = _where(_said("project", project, context), _said("db", db, context))
        return command(*args, where=where, **kwargs)

    return with_where


def leading_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--project` and `--db` to the program itself: they may stand before the command, too."""
    for name, metavar in (("--db", "URL"), ("--project", "DIR")):
        command = click.option(name, default=None, metavar=metavar, help="As with each command.")(command)
    return command


def _said(name: str, value: Any, context: click.Context | None) -> Any:
    """What was said beside the command, else before it, else the environment and the default."""
    if context is None or context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        return value
    before = context.find_root().params.get(name)
    return value if before is None or context.find_root() is context else before


def output_option(*formats: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add `-o`; the first format is the default; the command gets it as `output`."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        callback=remember_output,
        help="Output format.",
    )
