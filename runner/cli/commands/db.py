"""`runner db`: upkeep of the database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from runner.cli import exits
from runner.cli.options import Where, common_options, output_option

FORMATS = ("text", "json")


@click.group()
def command() -> None:
    """Check, back up, migrate and shrink the database, and prune its history.

    \b
    Example:
      runner db check
    """


@command.command("check")
@output_option(*FORMATS)
@common_options
def check(output: str, where: Where) -> None:
    """Check the file, its references and the rules of the lifecycle; exit 1 when something is wrong.

    Changes nothing, and may run beside a daemon.

    \b
    Example:
      runner db check -o json
    """
    from runner.cli.views.database import show_checked
    from runner.operations.check_database import check_database

    checked = check_database(where.database)
    show_checked(checked, output)
    if not checked.ok:
        raise click.exceptions.Exit(exits.ERROR)


@command.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE when it exists.")
@output_option(*FORMATS)
@common_options
def backup(file: Path, force: bool, output: str, where: Where) -> None:
    """Copy the database into FILE while it is in use.

    FILE is one complete database that only you may read. To restore it, stop the daemon and put it in the
    place of the database (delete the -wal and -shm files beside that). What fell due since the copy was made
    may have run, and is not started again: `runner jobs backfill` starts what is wanted.

    \b
    Example:
      runner db backup ~/runner-2026-11-21.db
    """
    from runner.cli.views.database import show_backed_up
    from runner.operations.backup_database import backup_database

    show_backed_up(backup_database(where.database, file.expanduser().absolute(), overwrite=force), output)


@command.command("migrate")
@click.option("--create", is_flag=True, help="Make the database when there is none.")
@output_option(*FORMATS)
@common_options
def migrate(create: bool, output: str, where: Where) -> None:
    """Bring the tables to this release, after a backup into the state directory.

    Commands that write do the same by themselves when they open the database.

    \b
    Example:
      runner db migrate
    """
    from runner.cli.views.database import show_migrated
    from runner.operations.migrate_database import migrate_database

    show_migrated(migrate_database(where.database, create=create), output)


@command.command("prune")
@click.option(
    "--keep-days",
    type=click.IntRange(0, 36500),
    metavar="N",
    help="Also delete what is older than N days, whatever a job's history says.",
)
@output_option(*FORMATS)
@common_options
def prune(keep_days: int | None, output: str, where: Where) -> None:
    """Delete old runs and their logs, as `spec.history` of each job says.

    The newest run of each job stays, and the ledger of its slots: nothing becomes runnable again. Copies of
    files that nothing installed and no run under way names go too, a week after they were last applied.

    \b
    Example:
      runner db prune --keep-days 90
    """
    from runner.cli.views.database import show_pruned
    from runner.operations.prune_history import prune_history
    from runner.store.open import open_store

    store = open_store(where.database)
    try:
        pruned = prune_history(store, where.state, now=datetime.now(UTC), keep_days=keep_days)
    finally:
        store.close()
    show_pruned(pruned, output)
    if pruned.kept_logs or pruned.blobs.kept:
        raise click.exceptions.Exit(exits.ERROR)


@command.command("vacuum")
@output_option(*FORMATS)
@common_options
def vacuum(output: str, where: Where) -> None:
    """Give the room of what was deleted back to the disk.

    The database uses it again by itself; this is for a disk that others need. It takes twice the size of what
    is left for a while, and is refused (exit 3) where that is not free, or where a daemon would have to wait.

    \b
    Example:
      runner db prune --keep-days 30 && runner db vacuum
    """
    from runner.cli.views.database import show_vacuumed
    from runner.operations.vacuum_database import vacuum_database

    show_vacuumed(vacuum_database(where.database), output)
