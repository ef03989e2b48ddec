"""`runner jobs why`: why did it start then, or not, or will it?"""

from __future__ import annotations

from datetime import UTC, datetime

import click

from runner.cli.acting import opened
from runner.cli.completing import names_of
from runner.cli.options import Where, common_options, output_option


@click.command("why")
@click.argument("name", shell_complete=names_of("Job"))
@click.argument("time", nargs=-1)
@output_option("text", "json")
@common_options
def command(name: str, time: tuple[str, ...], output: str, where: Where) -> None:
    """Say why the job NAME started at TIME, or did not, or whether it will.

    TIME is a local time of its schedule (02:30, yesterday 02:00, 2026-10-25T02:30) or an instant with an
    offset; without it the last slot that was expected is meant. Of a time that comes twice both are told.

    \b
    Example:
      runner jobs why nightly-report
      runner jobs why nightly-report yesterday 02:00
      runner jobs why nightly-report 2026-10-25T02:30
    """
    from runner.cli.views.why import show_why
    from runner.operations.daemon_now import daemon_now
    from runner.operations.why import why

    with opened(where, read_only=True) as store, store.read() as reader:
        now = datetime.now(UTC)
        answers = why(
            reader,
            name,
            " ".join(time) or None,
            now=now,
            installation_id=store.installation_id,
            lives=daemon_now(reader, where.state, now).doing not in ("none", "starting"),
        )
    show_why(answers, output)
