"""`runner instances`: look at runs, and end them, pause them or let them go on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import click

from runner.cli.acting import FORMATS, Duration, opened
from runner.cli.acting_on_runs import VERBS
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option

TARGETS_SHOWN = 50
"""Of a run over an inventory, in text: what is left out is said."""


@click.group()
def command() -> None:
    """List, show, cancel, pause, resume, bounce, kill, rerun and resolve runs.

    \b
    Example:
      runner instances list --state RUNNING
    """


for verb in VERBS:
    command.add_command(verb)


@command.command("list")
@click.option(
    "--job", default=None, metavar="N", shell_complete=names_of("Job"), help="Only runs of this job."
)
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
        raise click.UsageError("--watch is for people; with -o, ask again when you want to know")
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
@click.option(
    "--state", "states", default=None, metavar="S,…", help="Of its targets those that are FAILED, …"
)
@click.option(
    "-n", "limit", type=click.IntRange(1, 100_000), help="Targets at most; default 50 in text, else all."
)
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out that many targets.")
@output_option(*FORMATS)
@common_options
def show(id: int, states: str | None, limit: int | None, offset: int, output: str, where: Where) -> None:
    """Show one run: its steps or targets, what it raised, and what happened to it and why.

    \b
    Example:
      runner instances show 42 --state FAILED
    """
    from runner.cli.views.instances import show_details
    from runner.operations.show_instance import show_instance

    with opened(where, read_only=True) as store, store.read() as reader:
        now = datetime.now(UTC)
        details = show_instance(
            reader,
            id,
            now,
            states=[state.strip().upper() for state in states.split(",")] if states else (),
            offset=offset,
            limit=limit or (TARGETS_SHOWN if output == "text" else None),
        )
    show_details(details, output, now)
