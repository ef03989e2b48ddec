"""`runner schedule calendar`: the starts of all jobs in the days to come."""

from __future__ import annotations

import gc
import sys
from datetime import UTC, datetime, timedelta

import click

from runner.cli.acting import opened
from runner.cli.options import Where, common_options, output_option


@click.command("calendar")
@click.option("--days", type=click.IntRange(1, 366), default=7, show_default=True, help="How many days.")
@click.option("--from", "start", metavar="T", help="From this time of the Runner's zone; default now.")
@output_option("text", "json", "ics", "svg")
@common_options
def command(*, days: int, start: str | None, output: str, where: Where) -> None:
    """Show the starts of all jobs in the days to come, where clocks change, and where starts pile up.

    Holds, end dates and calendars are obeyed. How long a run takes is the median of its latest runs; a
    pile-up is a time in which more of them are due than may run at the same time.

    \b
    Example:
      runner schedule calendar --days 3
      runner schedule calendar --days 31 -o ics > runner.ics
    """
    from runner.cli.views.calendar_ics import ics
    from runner.cli.views.calendar_svg import svg
    from runner.cli.views.calendar_text import show_json_of, show_text
    from runner.operations.settings import zone_of_jobs_without_a_schedule
    from runner.operations.starts_ahead import starts_ahead
    from runner.schedules.asked_time import read_asked
    from runner.schedules.slot import ScheduleProblem
    from runner.schedules.zones import zone_named

    now = datetime.now(UTC)
    with opened(where, read_only=True) as store, store.read() as reader:
        after = now
        if start is not None:
            try:
                zone = zone_named(zone_of_jobs_without_a_schedule(reader))
                after = read_asked(start, zone, now)[0].at - timedelta(microseconds=1)
            except ScheduleProblem as problem:
                raise click.BadParameter(str(problem), param_hint="--from") from None
        installation = store.installation_id
        gc.disable()  # it would look through a million starts again and again
        try:
            until = after + timedelta(days=days)
            ahead = starts_ahead(reader, after=after, until=until, installation_id=installation)
        finally:
            gc.enable()
    if output == "json":
        show_json_of(ahead)
    elif output == "ics":
        sys.stdout.write(ics(ahead, now, installation))
    elif output == "svg":
        sys.stdout.write(svg(ahead))
    else:
        show_text(ahead)
