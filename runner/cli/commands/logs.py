"""`runner logs`: what a run has printed."""

from __future__ import annotations

import click

from runner.cli.acting import opened
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option


@click.command("logs")
@click.argument("name_or_id", shell_complete=names_of("Job"))
@click.option("-f", "--follow", is_flag=True, help="Go on while the run goes on.")
@click.option("--failed", is_flag=True, help="Of a job: its latest failed run.")
@click.option("--step", default=None, metavar="STEP", help="Only the lines of one step.")
@click.option("--target", default=None, metavar="TARGET", help="Of a run over an inventory: this target.")
@output_option("text", "json")
@common_options
def command(
    *,
    name_or_id: str,
    follow: bool,
    failed: bool,
    step: str | None,
    target: str | None,
    output: str,
    where: Where,
) -> None:
    """Show the log of a run, by its id or by the name of its job (then the latest run).

    \b
    Example:
      runner logs import-weather -f
    """
    from runner.cli.views.log_lines import print_lines
    from runner.execution.logs import follow_log, read_log
    from runner.operations.find_log import find_log

    with opened(where, read_only=True) as store:
        found = find_log(
            store, where.state, name_or_id, failed=failed, step=step, target=target, follow=follow
        )
        if follow:
            lines = follow_log(found.path, lambda: not found.is_live(store), step=step)
        else:
            lines = read_log(found.path, step=step)
        printed = print_lines(lines, output)
        if not printed and not found.path.exists():
            of = f"Target {target} of instance" if target else "Instance"
            click.echo(f"{of} {found.instance_id} of {found.job} has printed nothing.", err=True)
