"""What all verbs share: who acts and why, which objects are meant, and the question above one object."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.vocabulary.errors import Refused
from runner.vocabulary.printable import printable

if TYPE_CHECKING:
    from runner.access.permission import Actor
    from runner.cli.options import Where
    from runner.store.port import Store

R = TypeVar("R")

PREVIEWED = 20
"""Names shown in a preview; the rest is counted."""


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A duration above zero, as in declarations."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        from runner.vocabulary.duration import parse_duration

        if isinstance(value, timedelta):
            return value
        try:
            duration = parse_duration(value)
        except (ValueError, OverflowError) as problem:
            self.fail(str(problem), param, ctx)
        if not timedelta(0) < duration <= timedelta(days=36500):
            self.fail(f"{value!r} must be above zero and below a hundred years", param, ctx)
        return duration


def acting_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--reason` and `--as`; the command gets `reason` and `actor`."""

    @click.option("--reason", default="", metavar="R", help="Why; recorded with the act.")
    @click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
    @functools.wraps(command)
    def with_actor(*args: Any, as_name: str | None, **kwargs: Any) -> R:
        return command(*args, actor=the_actor(as_name), **kwargs)

    return with_actor


def for_option(help_text: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Add `--for`; the command gets it as `lasting`."""
    return click.option("--for", "lasting", type=Duration(), default=None, metavar="2h", help=help_text)


def selecting_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add NAME…, `-l`, `--group` and `--yes`."""
    for add in (
        click.option("--yes", is_flag=True, help="Do not ask when more than one object is meant."),
        click.option("--group", default=None, metavar="G", help="All jobs of this group."),
        click.option(
            "-l",
            "--selector",
            default=None,
            metavar="SELECTOR",
            help="All jobs with these labels: team=bi, team!=bi, team, !team; commas join.",
        ),
        click.argument("names", nargs=-1, metavar="[NAME]..."),
    ):
        command = add(command)
    return command


def the_actor(as_name: str | None) -> Actor:
    """The operating system's user of this process, and the name given beside it."""
    from runner.access.permission import Actor
    from runner.operations.login_name import login_name

    return Actor(login_name(), as_name or None)


@contextmanager
def opened(where: Where, *, read_only: bool = False) -> Iterator[Store]:
    """The project's store, for as long as the command needs it."""
    from runner.store.open import open_store

    store = open_store(where.database, read_only=read_only)
    try:
        yield store
    finally:
        store.close()


def chosen_jobs(
    store: Store, names: Sequence[str], *, selector: str | None, group: str | None, verb: str, yes: bool
) -> list[str]:
    """The names of the jobs that are meant, after the question above one; wrong usage when none is named."""
    if not names and selector is None and group is None:
        raise click.UsageError("Name at least one job, or select some with -l or --group.")
    from runner.operations.selection import select_jobs

    with store.read() as reader:
        jobs = [job.name for job in select_jobs(reader, names, selector=selector, group=group)]
    if not jobs:
        print("No job fits; nothing was done.", file=sys.stderr)
    confirm(verb, [f"Job/{name}" for name in jobs], yes=yes)
    return jobs


def confirm(verb: str, objects: Sequence[str], *, yes: bool) -> None:
    """Show what would be acted on and ask, when it is more than one; Refused without an answer of yes."""
    if len(objects) < 2 or yes:
        return
    print(f"{verb} {len(objects)} objects:", file=sys.stderr)
    for name in objects[:PREVIEWED]:
        print(f"  {printable(name)}", file=sys.stderr)
    if len(objects) > PREVIEWED:
        print(f"  … and {len(objects) - PREVIEWED} more", file=sys.stderr)
    if not sys.stdin.isatty():
        raise Refused(
            f"{verb} of {len(objects)} objects needs --yes where nobody can be asked; nothing was done"
        )
    if not click.confirm("Go on?", err=True):
        raise Refused("nothing was done")
