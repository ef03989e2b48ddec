"""`runner jobs`: look at jobs, switch them, and start them by hand."""

from __future__ import annotations

from copy import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from runner.cli.acting import (
    FORMATS,
    Duration,
    acting_options,
    opened,
)
from runner.cli.acting_on_runs import cancel
from runner.cli.commands import backfill, drill, instances, items, why
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option
from runner.cli.pairs import pairs
from runner.cli.switching_jobs import VERBS
from runner.lifecycle.job import STATUSES

if TYPE_CHECKING:
    from runner.access.permission import Actor

SORTS = ("name", "status", "type", "next", "last")


@click.group()
def command() -> None:
    """List, show, explain, enable, disable, pause, resume, trigger, reset, bounce, kill and skip jobs.

    \b
    Example:
      runner jobs list --status FAILED
    """


def _also_called(usual: str, verb: click.Command, name: str) -> None:
    """The same command under a word that others are used to; its help shows that word."""
    same = copy(verb)
    same.help = (verb.help or "").replace(f"runner {usual}", f"runner jobs {name}")
    command.add_command(same, name)


# The words that others are used to, for a run by its id.
_also_called("instances show", instances.show, "runtime-status")
_also_called("instances cancel", cancel, "terminate")
command.add_command(drill.command, "drill")
command.add_command(why.command, "why")
command.add_command(backfill.command, "backfill")
command.add_command(items.command, "items")
for verb in VERBS:
    command.add_command(verb)


@command.command("list")
@click.option(
    "-l", "--selector", default=None, metavar="SELECTOR", help="Only with these labels: team=bi,!old."
)
@click.option(
    "--group", default=None, metavar="G", shell_complete=names_of("Group"), help="Only jobs of this group."
)
@click.option(
    "--status", type=click.Choice(STATUSES, case_sensitive=False), help="Only jobs with this status."
)
@click.option("--type", "type_", default=None, metavar="T", help="Only jobs of this type.")
@click.option("--flow", type=click.Choice(("in", "out")), help="Only jobs with this direction.")
@click.option("--all", "hidden_too", is_flag=True, help="Hidden (system) jobs too.")
@click.option("--sort", type=click.Choice(SORTS), default="name", show_default=True, help="Order.")
@output_option(*FORMATS)
@common_options
def list_(
    *,
    selector: str | None,
    group: str | None,
    status: str | None,
    type_: str | None,
    flow: str | None,
    hidden_too: bool,
    sort: str,
    output: str,
    where: Where,
) -> None:
    """List the installed jobs with their status, next start and last run.

    \b
    Example:
      runner jobs list -l team=bi --status FAILED
    """
    from runner.cli.views.jobs import show_jobs
    from runner.operations.list_jobs import list_jobs

    with opened(where, read_only=True) as store, store.read() as reader:
        found = list_jobs(
            reader,
            now=datetime.now(UTC),
            selector=selector,
            group=group,
            status=status,
            type_=type_,
            flow=flow,
            sort=sort,
        )
    jobs = [job for job in found if hidden_too or not job.hidden]
    show_jobs(jobs, output, hidden=len(found) - len(jobs))


@command.command("show")
@click.argument("name", shell_complete=names_of("Job"))
@output_option(*FORMATS)
@common_options
def show(name: str, output: str, where: Where) -> None:
    """Show one job: how it stands, what it does, where it was declared, its latest runs.

    \b
    Example:
      runner jobs show sales-summary
    """
    from runner.cli.views.jobs import show_details
    from runner.operations.show_job import show_job

    now = datetime.now(UTC)
    with opened(where, read_only=True) as store, store.read() as reader:
        details = show_job(reader, name, now=now)
    show_details(details, output)


@command.command("trigger")
@click.argument("name", shell_complete=names_of("Job"))
@click.option("-p", "parameters", multiple=True, metavar="K=V", help="An input; once for each.")
@click.option("--slot", default=None, metavar="T", help="Stand for this slot; it is not used up.")
@click.option("--force", is_flag=True, help="Past holds and overlap; recorded.")
@click.option("--wait", is_flag=True, help="Wait for the end: exit 0, 4 (partially) or 1; needs a daemon.")
@click.option(
    "--timeout", type=Duration(), metavar="10m", help="With --wait: give up waiting then (exit 124)."
)
@acting_options
@output_option(*FORMATS)
@common_options
def trigger(
    *,
    name: str,
    parameters: tuple[str, ...],
    slot: str | None,
    force: bool,
    wait: bool,
    timeout: timedelta | None,
    reason: str,
    actor: Actor,
    output: str,
    where: Where,
) -> None:
    """Start a job now, by hand; the daemon carries it out.

    \b
    Example:
      runner jobs trigger sales-summary -p region=north --wait
    """
    import uuid

    from runner.cli.exits import ERROR, PARTIAL, SUCCESS, WAIT_TIMED_OUT
    from runner.cli.views.acts import show_triggered
    from runner.cli.views.steps import error_text
    from runner.cli.views.values import warn
    from runner.operations.daemon_now import nobody_starts
    from runner.operations.trigger import trigger_job
    from runner.operations.wait_for_instance import wait_for_instance
    from runner.operations.wake import wake_daemon
    from runner.store.daemon_lock import lock_holder
    from runner.vocabulary.errors import Refused

    if timeout is not None and not wait:
        raise click.UsageError("--timeout goes with --wait")
    given = pairs(parameters)
    with opened(where) as store:

        def daemon_runs() -> bool:
            return lock_holder(where.state) is not None

        nobody = nobody_starts(where.state)
        if wait and nobody:
            why = nobody[0].lower() + nobody[1:]
            raise Refused(f"{why}, so nothing would end the waiting; nothing was recorded (runner up)")
        start = trigger_job(
            store,
            name,
            actor=actor,
            key=str(uuid.uuid4()),
            now=datetime.now(UTC),
            given=given,
            slot=slot,
            force=force,
            reason=reason,
        )
        wake_daemon(where.state, for_a_start=True)
        for note in start.notes:
            warn(f"{start.job}: {note}")
        if nobody:
            warn(f"{nobody}: the start is recorded, and carried out by the next `runner up`.")
        state = wait_for_instance(store, start.id, timeout, daemon_runs=daemon_runs) if wait else "SCHEDULED"
        if state is not None and wait and state != "SUCCEEDED":
            with store.read() as reader:
                ended = reader.instances.get(start.id)
            why = error_text(ended.error) if ended is not None else ""
            if ended is not None and state == "SKIPPED":
                why = ended.reason
            warn(f"{start.job}: {f'{why}; ' if why else ''}see: runner instances show {start.id}")
    show_triggered(start, state or "not ended yet", output)
    if wait:
        codes = {"SUCCEEDED": SUCCESS, "PARTIALLY_SUCCEEDED": PARTIAL, None: WAIT_TIMED_OUT}
        raise click.exceptions.Exit(codes.get(state, ERROR))
