"""`runner instances`: look at runs, and cancel them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import FORMATS, RUNS, Asked, Duration, acts_on, opened
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.operations.cancel import Cancelled


@click.group()
def command() -> None:
    """List, show and cancel runs.

    \b
    Example:
      runner instances list --state RUNNING
    """


@command.command("list")
@click.option("--job", default=None, metavar="N", help="Only runs of this job.")
@click.option("--state", "states", default=None, metavar="S,…", help="Only in these states: FAILED,RUNNING.")
@click.option("--since", type=Duration(), metavar="24h", help="Only runs recorded within this time.")
@click.option("-n", "limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most.")
@click.option("--watch", "watching", is_flag=True, help="Show it again and again, until Ctrl-C.")
@output_option(*FORMATS)
@common_options
def list_(
    *,
    job: str | None,
    states: str | None,
    since: timedelta | None,
    limit: int,
    watching: bool,
    output: str,
    where: Where,
) -> None:
    """List runs, the newest first.

    \b
    Example:
      runner instances list --job sales-summary --state FAILED --since 24h
    """
    from runner.cli.views.instances import show_instances
    from runner.operations.list_instances import InstanceView, list_instances

    if watching and output != "text":
        raise click.UsageError("--watch is for people; with -o, ask again when you want to know.")
    with opened(where, read_only=True) as store:

        def look() -> tuple[InstanceView, ...]:
            with store.read() as reader:
                return tuple(
                    list_instances(
                        reader,
                        job=job,
                        states=[state.strip().upper() for state in states.split(",")] if states else (),
                        since=None if since is None else datetime.now(UTC) - since,
                        limit=limit,
                    )
                )

        if watching:
            from runner.cli.watching import watch

            def show(views: Sequence[InstanceView]) -> None:
                show_instances(views, "text", datetime.now(UTC))

            watch(look, show, terminal=sys.stdout.isatty())
        else:
            show_instances(look(), output, datetime.now(UTC))


@command.command("show")
@click.argument("id", type=click.IntRange(1, 2**63 - 1))
@output_option(*FORMATS)
@common_options
def show(id: int, output: str, where: Where) -> None:
    """Show one run: its steps, what it raised, and what happened to it and why.

    \b
    Example:
      runner instances show 42
    """
    from runner.cli.views.instances import show_details
    from runner.operations.show_instance import show_instance

    with opened(where, read_only=True) as store, store.read() as reader:
        now = datetime.now(UTC)
        details = show_instance(reader, id, now)
    show_details(details, output, now)


@command.command("cancel")
@acts_on(RUNS, "cancel")
def cancel(asked: Asked) -> Sequence[Cancelled]:
    """End runs: one that waits at once, one that runs by asking it first (TERM, then KILL).

    \b
    Example:
      runner instances cancel 42 --reason "wrong input"
    """
    from runner.cli.views.values import warn
    from runner.operations.cancel import cancel_instances
    from runner.store.daemon_lock import lock_holder

    runs = asked.record(cancel_instances)
    if lock_holder(asked.where.state) is None and any(run.state == "STOPPING" for run in runs):
        warn("No daemon runs: what is STOPPING is ended by the next `runner up`.")
    return runs
