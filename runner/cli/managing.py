"""What adopt, release and undo share: their options, and how the outcome is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.operations.beside_plans import Managed

R = TypeVar("R")


def managing_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add `--allow-protected`, `--as`, `-o` and the common options; the command gets `actor` and `output`."""

    @click.option("--allow-protected", is_flag=True, help="Also an object of a protected type.")
    @click.option("--as", "as_name", default=None, metavar="NAME", help="Recorded beside your login name.")
    @output_option("text", "json")
    @common_options
    @functools.wraps(command)
    def with_actor(*args: Any, as_name: str | None, **kwargs: Any) -> R:
        from runner.cli.acting import the_actor

        return command(*args, actor=the_actor(as_name), **kwargs)

    return with_actor


def show_managed(found: Managed | Sequence[Managed], where: Where, output: str) -> None:
    """What became of each object, and a word to the daemon when something did."""
    from runner.cli.views.values import show_json, show_line
    from runner.operations.wake import wake_daemon

    objects = found if isinstance(found, Sequence) else [found]
    if any(each.changed for each in objects):
        wake_daemon(where.state)
    if output == "json":
        shown = [
            {
                "address": str(each.address),
                "changed": each.changed,
                "serial": each.serial,
                "said": each.said,
            }
            for each in objects
        ]
        show_json(shown if isinstance(found, Sequence) else shown[0])
        return
    for each in objects:
        show_line(f"{each.said}.")
