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


LATEST = len(migrations._migrations)
