"""`runner import`: declare what another scheduler starts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli import exits
from runner.cli.acting import Duration
from runner.cli.options import Where, common_options, output_option

if TYPE_CHECKING:
    from runner.operations.import_crontab import Imported


@click.group()
def command() -> None:
    """Declare what another scheduler starts.

    \b
    Example:
      runner import crontab /etc/crontab --out jobs.d
    """


@command.command("crontab")
@click.argument("file", metavar="FILE", type=click.Path())
@click.option("--out", required=True, metavar="DIR", type=click.Path(file_okay=False), help="Where to write.")
@click.option(
    "--enabled",
    type=click.Choice(["true", "false"]),
    default="true",
    show_default=True,
    help="What spec.enabled of the jobs says.",
)
@click.option(
    "--name-from",
    type=click.Choice(["command", "comment"]),
    default="command",
    show_default=True,
    help="What the jobs are named after.",
)
@click.option("--group", metavar="G", help="Put the jobs into this group; it is declared if it is not yet.")
@click.option(
    "--form",
    type=click.Choice(["system", "user"]),
    help="system: a user stands before each command; default: as the file reads.",
)
@click.option("--user", metavar="NAME", help="Of a user's crontab: run the jobs as this user.")
@click.option("--zone", metavar="Z", help="The zone that cron runs in; default: this machine's.")
@click.option("--compare", type=Duration(), metavar="30d", help="Show where starts differ from cron's.")
@click.option(
    "--from", "start", metavar="T", help="With --compare: from this instant (RFC 3339); default now."
)
@click.option(
    "--parallel",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --compare: the limit; default the Runner's, else 5.",
)
@output_option("text", "json")
@common_options
@click.pass_context
def crontab(
    context: click.Context,
    *,
    file: str,
    out: str,
    enabled: str,
    name_from: str,
    group: str | None,
    form: str | None,
    user: str | None,
    zone: str | None,
    compare: timedelta | None,
    start: str | None,
    parallel: int | None,
    output: str,
    where: Where,
) -> None:
    """Write a declaration for each line of a crontab, and report all that is not as cron does it.

    FILE is a system crontab (/etc/crontab, /etc/cron.d/*), one of a user, or - for `crontab -l |`. One file
    for each job; existing files are never touched. Exit code 4 when lines could not be carried over.

    \b
    Example:
      runner import crontab /etc/crontab --out jobs.d --compare 30d
    """
    from runner.cli.views.imported import as_json, show_text
    from runner.cli.views.values import show_json
    from runner.operations.import_crontab import LARGEST, Asked, import_crontab
    from runner.vocabulary.names import is_object_name

    if group is not None and not is_object_name(group):
        raise click.BadParameter(f"{group!r} is not a name of an object", param_hint="--group")
    if compare is None and (start is not None or parallel is not None):
        raise click.UsageError("--from and --parallel go with --compare")
    since = _instant(start) if start is not None else datetime.now(UTC)
    if file == "-":
        raw = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with Path(file).open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    asked = Asked(enabled == "true", name_from, group, form, user, zone)  # type: ignore[arg-type]
    imported = import_crontab(raw, "standard input" if file == "-" else file, Path(out), asked)
    compared = None
    if compare is not None:
        compared = imported.compared_with_cron(since, since + compare, parallel or _limit(where))
    if output == "json":
        show_json(as_json(imported, compared))
    else:
        show_text(imported, compared, Path(out))
    code = _code(imported)
    if code:
        context.exit(code)


def _code(imported: Imported) -> int:
    if imported.jobs:
        lost = any(remark.severity == "lost" for remark in imported.remarks)
        return exits.PARTIAL if lost else exits.SUCCESS
    return exits.ERROR


def _limit(where: Where) -> int:
    from runner.operations.settings import PARALLEL, parallel_limit
    from runner.store.open import open_store
    from runner.vocabulary.errors import NoDatabase

    try:
        store = open_store(where.database, read_only=True)
    except NoDatabase:
        return PARALLEL
    try:
        return parallel_limit(store)
    finally:
        store.close()


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not an instant like 2026-12-01T00:00Z", param_hint="--from"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
