"""`runner groups`: switch all jobs of a group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import Asked, acts_on, for_option, protected_option
from runner.cli.nouns import GROUPS

if TYPE_CHECKING:
    from runner.operations.groups import Switched


@click.group()
def command() -> None:
    """Enable or disable all jobs of a group.

    \b
    Example:
      runner groups disable nightly --reason "storage is moved"
    """


@command.command("enable")
@acts_on(GROUPS, "enable", done="enabled")
def enable(asked: Asked) -> Sequence[Switched]:
    """End an operator's hold on groups; jobs that are held for another reason stay held.

    \b
    Example:
      runner groups enable nightly
    """
    from runner.operations.groups import enable_groups

    return asked.record(enable_groups)


@command.command("disable")
@acts_on(
    GROUPS,
    "disable",
    for_option("The hold ends by itself after this time."),
    protected_option("Also its jobs of a protected type."),
    done="disabled",
)
def disable(asked: Asked, *, lasting: timedelta | None, allow_protected: bool) -> Sequence[Switched]:
    """Hold every job of these groups; what runs finishes first (or as its onDisable says).

    \b
    Example:
      runner groups disable nightly --for 2h --reason "database upgrade"
    """
    from runner.operations.groups import disable_groups

    return asked.record(disable_groups, until=asked.until(lasting), allow_protected=allow_protected)
