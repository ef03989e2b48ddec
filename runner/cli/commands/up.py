"""`runner up`: the daemon."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path

import click

from runner.cli.options import Where, common_options
from runner.daemon.reloader import Reloaded
from runner.store.port import Store


@click.command("up")
@click.argument("path", default="jobs.d")
@click.option(
    "--grace", default="30s", metavar="DURATION", show_default=True, help="Time for work to end at a stop."
)
@click.option("--no-watch", is_flag=True, help="Do not reload when files change.")
@click.option("--allow-delete", type=int, default=None, metavar="N", help="Allow the removal of N objects.")
@common_options
def command(path: str, grace: str, no_watch: bool, allow_delete: int | None, where: Where) -> None:
    """Reconcile PATH, then watch it, schedule and execute, until SIGTERM or Ctrl-C.

    Without a terminal the plan is applied too: what is in the tree is what shall run. When the files are
    broken or gone, it goes on with what is installed.

    \b
    Example:
      runner up jobs.d --grace 2m
    """
    from runner.cli.views.announcer import Announcer
    from runner.daemon.clock import SystemClock
    from runner.daemon.serve import Serving, serve
    from runner.vocabulary.duration import parse_duration

    try:
        grace_s = parse_duration(grace).total_seconds()
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--grace") from None
    root = Path(path)
    root = root if root.is_absolute() else where.project / root
    clock = SystemClock()
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    audience = Announcer(clock.now, colour=colour)

    def reload(store: Store, now: datetime) -> Reloaded:
        return _reload(root, where, store, now, colour, allow_delete)

    serve(
        Serving(where.project, where.database, root, grace_s, watch=not no_watch, reload=reload),
        audience,
        clock,
    )


def _reload(
    root: Path, where: Where, store: Store, now: datetime, colour: bool, allow_delete: int | None
) -> Reloaded:
    """Load, plan and apply the tree; what came of it, as the plan prints it."""
    from runner.access.permission import Actor
    from runner.cli.planning import shown_database
    from runner.cli.views.plan_text import plan_text
    from runner.daemon.presence import login
    from runner.operations.apply import carry_out
    from runner.operations.plan import make_plan_for

    planned = make_plan_for(root, where.project, store, now, state=where.state)
    text = plan_text(planned.plan, shown_database(where), colour=colour)
    if planned.plan.is_empty:
        return Reloaded(True, text)
    applied = carry_out(planned, store, Actor(login()), now, state=where.state, allow_delete=allow_delete)
    return Reloaded(True, text, changed=applied.changed)
