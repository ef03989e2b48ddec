"""What adopt, release and undo share: their options, and how the outcome is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
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


def show_managed(managed: Managed, where: Where, output: str) -> None:
    """What became of the object, and a word to the daemon when something did."""
    from runner.cli.views.values import show_json, show_line
    from runner.operations.wake import wake_daemon

    if managed.changed:
        wake_daemon(where.state)
    if output == "json":
        show_json(
            {
                "address": str(managed.address),
                "changed": managed.changed,
                "serial": managed.serial,
                "said": managed.said,
            }
        )
    else:
        show_line(f"{managed.said}.")
