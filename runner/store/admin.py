"""Upkeep of a database: check, back up, migrate, shrink. Not imported on the way to ordinary work."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from runner.store.open import open_store
from runner.store.sqlite import migrate as migrating
from runner.store.sqlite.backup import copy_database
from runner.store.sqlite.connection import connect
from runner.store.sqlite.failures import sentence_for
from runner.store.sqlite.invariants import INVARIANTS
from runner.store.sqlite.version import APPLICATION_ID, SCHEMA_VERSION
from runner.vocabulary.errors import NoDatabase, StoreUnavailable

T = TypeVar("T")

SHOWN = 20
"""Findings kept of one check; the rest is counted."""

HEADER = 100
"""Bytes of a SQLite file's header; from 68 stands the application's number (sqlite.org/fileformat)."""

_MAYBE_OURS = (APPLICATION_ID.to_bytes(4, "big"), bytes(4))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; no findings means that it holds. `more` findings are not listed."""

    rule: str
    findings: tuple[str, ...] = ()
    more: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class Checked:
    """All checks of a database."""

    path: Path
    schema_version: int
    size: int
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which version of the tables to which; `applied` names the migrations, `backup` the copy before."""

    path: Path
    before: int
    after: int
    applied: tuple[str, ...]
    backup: Path | None


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of a database: of its file, and of those that hold nothing any more."""

    size: int
    unused: int


def check(path: Path) -> Checked:
    """Integrity of the file, of its references, and the invariants of the lifecycle; changes nothing."""
    with _reading(path) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        damage = _damage(connection)
        checks = [_check("the file is whole", [] if damage == ["ok"] else damage)]
        if checks[0].ok:
            checks.append(_check("every reference leads somewhere", _lost_references(connection)))
            connection.execute("BEGIN")
            checks += [_check(rule, _texts(connection, query)) for rule, query in INVARIANTS]
            connection.execute("COMMIT")
    checks.append(_check("only its owner may read it", list(_too_open(path))))
    return Checked(path, version, path.stat().st_size, tuple(checks))


def backup(path: Path, to: Path) -> int:
    """Copy the database to `to` while it is in use; its size. The copy has been read once as a whole."""
    with _reading(path):
        pass

    def work() -> int:
        copy_database(path, to)
        with contextlib.closing(sqlite3.connect(f"{to.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            found = _texts(copy, "PRAGMA quick_check")
        if found != ["ok"]:
            raise StoreUnavailable(f"The copy {to} is damaged ({found[0]}); run: runner db check")
        return to.stat().st_size

    return _told(to, work)


def space(path: Path) -> Space:
    """How much of the file could be given back to the disk."""
    with _reading(path) as connection:
        pages, unused, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
    return Space(pages * size, unused * size)


def vacuum(path: Path) -> Space:
    """Write the file anew without what it does not use; writers wait meanwhile, readers do not."""

    def work() -> None:
        with contextlib.closing(connect(path, writing=True)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    _told(path, work)
    return space(path)


def migrate(path: Path, *, create: bool = False) -> Migrated:
    """Bring the tables up to date, after a backup; NoDatabase when there is none and none may be made."""
    before = _version(path)
    if before == SCHEMA_VERSION:
        return Migrated(path, before, before, (), None)
    kept = set(_backups(path))
    applied: tuple[str, ...] = ()
    if before == 0:
        open_store(path, create=create).close()
        applied = ("m0001_first_tables",)
    else:
        applied = migrating.migrate(path)
    made = sorted(set(_backups(path)) - kept)
    return Migrated(path, before, SCHEMA_VERSION, applied, made[-1] if made else None)


def other_databases(path: Path) -> list[Path]:
    """Other databases that lie beside `path` and may be of this program; told by their headers, not opened.

    A new one has our number only in its write-ahead log for a while, so one without any number counts too.
    """
    found = []
    for each in sorted(path.resolve().parent.iterdir()):
        try:
            if not each.is_file() or each.samefile(path):
                continue
            with each.open("rb") as file:
                head = file.read(HEADER)
        except OSError:
            continue  # gone meanwhile, or nobody's business
        if head.startswith(b"SQLite format 3\0") and head[68:72] in _MAYBE_OURS:
            found.append(each)
    return found


def _check(rule: str, found: list[str]) -> Check:
    return Check(rule, tuple(found[:SHOWN]), max(0, len(found) - SHOWN))


def _texts(connection: sqlite3.Connection, query: str) -> list[str]:
    try:
        return [str(text) for (text,) in connection.execute(query)]
    except sqlite3.OperationalError as problem:  # a value that is damaged in a way nobody thought of
        return [f"this could not be looked at: {problem}"]


def _damage(connection: sqlite3.Connection) -> list[str]:
    try:
        return _texts(connection, "PRAGMA integrity_check")
    except sqlite3.DatabaseError as problem:
        if problem.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return [f"{problem}; keep a copy, then restore the newest backup"]


def _lost_references(connection: sqlite3.Connection) -> list[str]:
    return [
        f"row {row} of {table} names a row of {parent} that does not exist"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]


def _too_open(path: Path) -> Iterator[str]:
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(OSError):
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & 0o077:
                yield f"{file} has mode {mode:04o}; run: chmod 600 {file}"


def _backups(path: Path) -> list[Path]:
    return list((path.parent / "backups").glob(f"{path.name}-v*"))


def _version(path: Path) -> int:
    """0 when there is none; what is not ours, or newer than this program, is refused."""
    from runner.store.open import version_of

    return version_of(path)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    version = _version(path)
    if version == 0:
        raise NoDatabase(f"There is no database at {path}; name another with --db")
    if version < SCHEMA_VERSION:
        raise StoreUnavailable(
            f"{path} was written by an older release (tables {version}, this one needs {SCHEMA_VERSION}); "
            "run: runner db migrate"
        )
    try:
        with contextlib.closing(connect(path, writing=False)) as connection:
            yield connection
    except sqlite3.Error as problem:
        raise sentence_for(path, problem) or problem from problem


def _told(path: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except (sqlite3.Error, OSError) as problem:
        raise sentence_for(path, problem) or problem from problem
