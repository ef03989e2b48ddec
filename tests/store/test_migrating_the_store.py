"""Migrations: each once, all or nothing, after a backup, and any number of processes at once."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from store_builders import install

from runner.store import admin
from runner.store.open import open_store
from runner.store.sqlite.version import SCHEMA_VERSION
from runner.vocabulary.errors import StoreUnavailable

# A program of the next release: one more migration.
NEXT_RELEASE = """
import sys
from pathlib import Path
import runner.store.admin, runner.store.open, runner.store.sqlite.migrate, runner.store.sqlite.version
from runner.store.sqlite.migrations import migrations

for module in (runner.store.admin, runner.store.open, runner.store.sqlite.migrate):
    module.SCHEMA_VERSION += 1

@migrations()
def m9999_remember_colours(db):
    db["objects"].add_column("colour", str)
    db["job_instances"].transform(types={"progress": float})
    if "--break" in sys.argv:
        raise RuntimeError("broken migration")
"""


def test_what_makes_a_database_takes_no_numpy_along(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("is_here = True")
    program = (
        "import sys\nfrom pathlib import Path\nfrom runner.store.open import open_store\n"
        "open_store(Path(sys.argv[1]), create=True).close()\n"
        "assert 'sqlite_utils' in sys.modules and 'numpy' not in sys.modules\n"
        "sys.path.insert(0, sys.argv[2])\nimport numpy\nassert numpy.is_here\n"
    )
    arguments = [str(tmp_path / "state" / "runner.db"), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, env=environment, timeout=120)


def next_release(path: Path, then: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"{NEXT_RELEASE}\npath = Path(sys.argv[1])\n{then}", str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def columns(path: Path, table: str) -> set[str]:
    connection = sqlite3.connect(path)
    found = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
    connection.close()
    return found


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / ".runner" / "runner.db"
    store = open_store(path, create=True)
    install(store)
    store.close()
    return path


def test_an_existing_database_is_copied_before_it_is_migrated(database: Path) -> None:
    done = next_release(database, "from runner.store.admin import migrate\nprint(migrate(path).backup)")
    output, problem = done.communicate(timeout=60)
    assert problem == ""
    (backup,) = (database.parent / "backups").iterdir()
    assert output.strip() == str(backup)
    assert backup.name.startswith(f"runner.db-v{SCHEMA_VERSION}-")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert "colour" in columns(database, "objects")
    assert "colour" not in columns(backup, "objects")
    store = open_store(backup)
    with store.read() as reader:
        assert [o.name for o in reader.objects.all()] == ["nightly"]
    store.close()


def test_three_processes_that_migrate_at_once_all_succeed_and_one_does_it(database: Path) -> None:
    then = (
        "sys.stdin.readline()\nstore = runner.store.open.open_store(path)\n"
        "with store.read() as reader: print(len(reader.objects.all()))\nstore.close()"
    )
    processes = [next_release(database, then) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert answers == [("1\n", "")] * 3
    assert len(list((database.parent / "backups").iterdir())) == 1


def test_a_migration_that_breaks_leaves_everything_as_it_was(database: Path) -> None:
    done = next_release(database, "runner.store.open.open_store(path)", "--break")
    _, problem = done.communicate(timeout=60)
    assert "broken migration" in problem
    assert "colour" not in columns(database, "objects")
    assert admin.check(database).ok
    store = open_store(database)
    with store.read() as reader:
        assert len(reader.objects.all()) == 1
    store.close()


def test_the_tables_stay_strict_and_referred_to_through_a_transform(database: Path) -> None:
    done = next_release(database, "runner.store.open.open_store(path).close()")
    assert done.communicate(timeout=60) == ("", "")
    connection = sqlite3.connect(database)
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'job_instances'").fetchone()
    assert "STRICT" in sql
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_an_older_release_refuses_what_the_newer_one_migrated(database: Path) -> None:
    next_release(database, "runner.store.open.open_store(path).close()").communicate(timeout=60)
    with pytest.raises(
        StoreUnavailable,
        match=rf"newer release \(tables {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}\)",
    ):
        open_store(database)


def test_a_reader_of_a_newer_release_asks_for_the_migration(database: Path) -> None:
    then = (
        "try: runner.store.open.open_store(path, read_only=True)\nexcept Exception as problem: print(problem)"
    )
    output, _ = next_release(database, then).communicate(timeout=60)
    assert output.strip() == (
        f"{database} was written by an older release (tables {SCHEMA_VERSION},"
        f" this one needs {SCHEMA_VERSION + 1}); run: runner db migrate"
    )
    assert not (database.parent / "backups").exists()


def test_migrating_what_is_up_to_date_does_nothing(database: Path) -> None:
    migrated = admin.migrate(database)
    assert (migrated.before, migrated.after, migrated.applied, migrated.backup) == (
        SCHEMA_VERSION,
        SCHEMA_VERSION,
        (),
        None,
    )
