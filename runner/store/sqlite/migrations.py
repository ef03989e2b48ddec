"""Numbered migrations: each runs once, all of them inside one BEGIN IMMEDIATE.

Adding one: write `mNNNN_what_it_does(db)` at the end, decorated like the others, and never change an older
one. `db` is a sqlite-utils Database: use its `create`, `add_column`, `transform` and `create_index`.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from runner.store.sqlite.schema import TABLES

migrations = Migrations("runner")


@migrations()
def m0001_first_tables(db: Database) -> None:
    for statement in TABLES:
        db.execute(statement)


@migrations()
def m0002_locks_and_metrics_of_runs(db: Database) -> None:
    """`locks`: what a run took at its claim, separated by blanks; it holds them while it is live."""
    db.execute("ALTER TABLE job_instances ADD COLUMN locks TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE job_instances ADD COLUMN replaced_by INTEGER")
    db.execute("ALTER TABLE job_instances ADD COLUMN metrics TEXT NOT NULL DEFAULT '{}'")
    db.execute("ALTER TABLE tasks ADD COLUMN metrics TEXT NOT NULL DEFAULT '{}'")
    db.execute(
        "CREATE INDEX instances_with_locks ON job_instances (id) WHERE completed_at IS NULL AND locks <> ''"
    )


LATEST = len(migrations._migrations)
