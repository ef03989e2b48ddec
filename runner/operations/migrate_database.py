"""Bring the database to the tables of this release."""

from __future__ import annotations

from pathlib import Path

from runner.store.admin import Migrated, migrate


def migrate_database(path: Path, *, create: bool = False) -> Migrated:
    """A copy is taken into `backups` first. Every writing command does the same when it opens the database;
    this one says what it did.
    """
    return migrate(path, create=create)
