"""`runner drain`: let the daemon evict what can resume, and end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import Duration, acting_options, opened
from runner.cli.options import Where, common_options

if TYPE_CHECKING:
    from runner.access.permission import Actor


@click.command("drain")
@click.option("--timeout", type=Duration(), default=None, metavar="5m", help="Wait no longer (exit 124).")
@acting_options
@common_options
def command(*, timeout: timedelta | None, reason: str, actor: Actor, where: Where) -> None:
    """Let the daemon evict what can resume, wait for the rest (its --grace) or stop it, and end.

    What was evicted goes on with the same id at the next `runner up`.

    \b
    Example:
      runner drain --reason "new version"
    """
    from runner.cli.draining import drain_and_wait
    from runner.cli.views.values import warn
    from runner.lifecycle.pausing import EVICTION

    with opened(where) as store:
        if not drain_and_wait(store, where, actor, reason, datetime.now(UTC), timeout):
            warn("No daemon runs here; there is nothing to drain.")
            return
        with store.read() as reader:
            paused = reader.instances.list(states=("PAUSED",), limit=None)
    evicted = [run for run in paused if EVICTION in run.pauses]
    for run in reversed(evicted):
        print(f"instance {run.id} of {run.job}: PAUSED, goes on at the next `runner up`")
    print(f"drained: {len(evicted)} evicted")
