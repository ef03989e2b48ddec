"""`runner up`: the daemon."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from runner.cli.git_options import git_options
from runner.cli.options import Where, common_options
from runner.daemon.reloader import Reloaded
from runner.operations.checked_out import CheckedOut
from runner.sources.settings import SourceSettings


def _stoppable(body: Callable[..., None]) -> Callable[..., None]:
    """A signal before the daemon runs ends it with a sentence."""

    @functools.wraps(body)
    def stoppable_body(*args: Any, **options: Any) -> None:
        from runner.daemon.signals import StoppedBefore, stoppable

        try:
            with stoppable():
                body(*args, **options)
        except StoppedBefore:
            click.echo("Stopped by SIGTERM, before anything was started.")

    return stoppable_body


@click.command("up")
@click.argument("path", required=False)
@click.option(
    "--grace", default="30s", metavar="DURATION", show_default=True, help="Time for work to end at a stop."
)
@click.option("--no-watch", is_flag=True, help="Do not reload when files change.")
@click.option("--allow-delete", type=int, default=None, metavar="N", help="Allow the removal of N objects.")
@click.option("--drain", is_flag=True, help="Let the daemon that runs here drain first, and take its place.")
@git_options
@common_options
@_stoppable
def command(
    path: str | None,
    grace: str,
    no_watch: bool,
    allow_delete: int | None,
    drain: bool,
    git: SourceSettings | None,
    where: Where,
) -> None:
    """Reconcile PATH, then watch it, schedule and execute, until SIGTERM or Ctrl-C.

    Without a terminal the plan is applied too: what is in the tree is what shall run. When the files are
    broken or gone, it goes on with what is installed. PATH is relative to the working directory; the default
    is jobs.d of the project.

    At a stop what can resume is evicted, and the rest may end within the grace. A second signal gives no more
    grace; a step with `interruptible: false` ends first all the same, and only SIGQUIT ends that too.

    With --git it follows a branch, tag, range of versions or commit of a repository instead of PATH, and
    applies a commit only when it is fetched whole (and signed, with --allowed-signers or --pgp-keys).

    \b
    Example:
      runner up jobs.d --grace 2m
      runner up --git https://git.example/jobs.git --ref main --path jobs.d
    """
    from runner.cli.reloading import reload_apart
    from runner.cli.views.announcer import Announcer
    from runner.daemon.clock import SystemClock
    from runner.daemon.serve import Serving, serve
    from runner.vocabulary.duration import parse_duration

    try:
        grace_s = parse_duration(grace).total_seconds()
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--grace") from None
    if git is not None and path is not None:
        raise click.UsageError("--git stands in the place of PATH; --path is the folder in the repository")
    root = None if git else where.project / "jobs.d" if path is None else Path(path).absolute()
    clock = SystemClock()
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    audience = Announcer(clock.now, colour=colour)

    def reload_source(tree: CheckedOut) -> Reloaded:
        return reload_apart(tree, where, colour=colour, allow_delete=allow_delete)

    def reload() -> Reloaded:
        assert root is not None
        return reload_apart(root, where, colour=colour, allow_delete=allow_delete)

    serving = Serving(
        where.project,
        where.database,
        root,
        grace_s,
        watch=not no_watch,
        reload=reload,
        git=git,
        reload_source=reload_source,
    )
    if drain and where.database.exists():
        _drain(where)
    serve(serving, audience, clock)


def _drain(where: Where) -> None:
    """Until the daemon that runs here has ended; what it evicted goes on in this one."""
    from datetime import UTC, datetime

    from runner.cli.acting import opened, the_actor
    from runner.cli.draining import drain_and_wait

    with opened(where) as store:
        drain_and_wait(store, where, the_actor(None), "up --drain", datetime.now(UTC), None)
