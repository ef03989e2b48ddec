"""`runner groups`: switch all jobs of a group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import acting_options, confirm, for_option, opened
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.access.permission import Actor

FORMATS = ("text", "json", "yaml", "name")


@click.group()
def command() -> None:
    """Enable or disable all jobs of a group.

    \b
    Example:
      runner groups disable nightly --reason "storage is moved"
    """


@command.command("enable")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Do not ask when more than one group is meant.")
@acting_options
@output_option(*FORMATS)
@common_options
def enable(
    *, names: tuple[str, ...], yes: bool, reason: str, actor: Actor, output: str, where: Where
) -> None:
    """End an operator's hold on groups; jobs that are held for another reason stay held.

    \b
    Example:
      runner groups enable nightly
    """
    from runner.cli.views.acts import show_switched
    from runner.operations.groups import enable_groups
    from runner.operations.wake import wake_daemon

    confirm("enable", [f"Group/{name}" for name in dict.fromkeys(names)], yes=yes)
    now = datetime.now(UTC)
    with opened(where) as store:
        groups = store.transact(lambda tx: enable_groups(tx, names, actor=actor, reason=reason, now=now))
    wake_daemon(where.state)
    show_switched(groups, "enabled", output)


@command.command("disable")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Do not ask when more than one group is meant.")
@for_option("The hold ends by itself after this time.")
@click.option("--allow-protected", is_flag=True, help="Also its jobs of a protected type.")
@acting_options
@output_option(*FORMATS)
@common_options
def disable(
    *,
    names: tuple[str, ...],
    yes: bool,
    lasting: timedelta | None,
    allow_protected: bool,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Hold every job of these groups; what runs finishes first (or as its onDisable says).

    \b
    Example:
      runner groups disable nightly --for 2h --reason "database upgrade"
    """
    from runner.cli.views.acts import show_switched
    from runner.operations.groups import disable_groups
    from runner.operations.wake import wake_daemon

    confirm("disable", [f"Group/{name}" for name in dict.fromkeys(names)], yes=yes)
    now = datetime.now(UTC)
    until = None if lasting is None else now + lasting
    with opened(where) as store:
        groups = store.transact(
            lambda tx: disable_groups(
                tx,
                names,
                actor=actor,
                reason=reason,
                now=now,
                until=until,
                allow_protected=allow_protected,
            )
        )
    wake_daemon(where.state)
    show_switched(groups, "disabled", output)
