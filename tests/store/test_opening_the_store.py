"""Opening: what is made, what is refused, and how little it costs."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from store_builders import install

from runner.store.open import open_store
from runner.store.sqlite.migrations import LATEST
from runner.store.sqlite.version import SCHEMA_VERSION
from runner.vocabulary.errors import NoDatabase, StoreUnavailable


def database(folder: Path) -> Path:
    return folder / ".runner" / "runner.db"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_the_program_knows_every_migration_there_is() -> None:
    assert SCHEMA_VERSION == LATEST


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_only_the_owner_may_read_what_is_made_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = open_store(database(tmp_path), create=True)
        install(store)
        with store.read() as reader:
            reader.objects.all()
        folder = database(tmp_path).parent
        files = {file.name: mode(file) for file in folder.iterdir()}
        assert mode(folder) == 0o700
        assert files == {"runner.db": 0o600, "runner.db-wal": 0o600, "runner.db-shm": 0o600}
        store.close()
    finally:
        os.umask(before)


def test_a_database_is_made_only_when_that_was_said(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase) as raised:
        open_store(database(tmp_path))
    assert str(raised.value) == (
        f"There is no database at {database(tmp_path)}; `runner up`, `init` or `apply --create` make one"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_no_database_yet(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    path.touch()
    with pytest.raises(NoDatabase):
        open_store(path)
    open_store(path, create=True).close()
    open_store(path).close()


def test_a_state_directory_that_is_none_is_named(tmp_path: Path) -> None:
    state = tmp_path / ".runner"
    for what, make in (
        ("not a folder", state.touch),
        ("a link to gone, which is no folder", lambda: state.symlink_to("gone")),
    ):
        state.unlink(missing_ok=True)
        make()
        with pytest.raises(StoreUnavailable) as raised:
            open_store(state / "runner.db", create=True)
        assert str(raised.value) == (
            f"{state} is {what}, and the state belongs there; move it away, or name another place with --db"
        )


def test_an_empty_file_where_jobs_have_run_is_a_loss_and_not_a_beginning(tmp_path: Path) -> None:
    path = tmp_path / "runner.db"
    path.touch()
    (tmp_path / "logs").mkdir()
    with pytest.raises(StoreUnavailable, match=r"is empty, but it was not: jobs have run here"):
        open_store(path, create=True)
    assert path.stat().st_size == 0


def test_the_tables_of_the_specification_are_there(tmp_path: Path) -> None:
    open_store(database(tmp_path), create=True).close()
    connection = sqlite3.connect(database(tmp_path))
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables >= {
        "sessions", "objects", "revisions", "holds", "slots", "job_instances", "tasks", "steps",
        "job_state_data", "job_persistent_data", "job_errors", "events",
    }  # fmt: skip
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_writes_wait_for_the_disk_and_references_are_enforced(tmp_path: Path) -> None:
    store = open_store(database(tmp_path), create=True)

    def look(tx):  # type: ignore[no-untyped-def]
        return [
            tx.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "foreign_keys", "journal_mode")
        ]

    assert store.transact(look) == [2, 1, "wal"]
    store.close()


def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    open_store(database(tmp_path), create=True).close()
    change(database(tmp_path), f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for read_only in (True, False):
        with pytest.raises(StoreUnavailable) as raised:
            open_store(database(tmp_path), read_only=read_only)
        assert str(raised.value) == (
            f"{database(tmp_path)} was written by a newer release (tables {SCHEMA_VERSION + 1}, "
            f"this one knows {SCHEMA_VERSION}); use that release, or restore a backup made before it"
        )


@pytest.mark.parametrize("create", [True, False])
def test_a_database_of_another_program_is_refused_untouched(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "shop.db"
    change(path, "CREATE TABLE orders (id)")
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"shop\.db is a database of another program"):
        open_store(path, create=create)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be taken for one " * 100)
    with pytest.raises(
        StoreUnavailable, match=r"notes\.txt is no database; if it was one of the runner, restore"
    ):
        open_store(path, create=True)
    assert path.read_text().startswith("not a database")


def test_a_folder_in_its_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=f"{tmp_path} is a folder; name a file with --db"):
        open_store(tmp_path)


def test_a_store_opened_for_reading_records_nothing(tmp_path: Path) -> None:
    open_store(database(tmp_path), create=True).close()
    store = open_store(database(tmp_path), read_only=True)
    with pytest.raises(StoreUnavailable, match="was opened for reading only, so nothing was recorded"):
        install(store)
    with store.read() as reader:
        assert reader.objects.all() == []
    store.close()


def test_the_lineage_is_made_once(tmp_path: Path) -> None:
    first = open_store(database(tmp_path), create=True)
    again = open_store(database(tmp_path), create=True)
    other = open_store(database(tmp_path / "other"), create=True)
    assert first.lineage == again.lineage != other.lineage
    for store in (first, again, other):
        store.close()


def test_opening_an_existing_database_imports_no_heavy_package(tmp_path: Path) -> None:
    open_store(database(tmp_path), create=True).close()
    look = (
        "import sys; from pathlib import Path; from runner.store.open import open_store\n"
        "store = open_store(Path(sys.argv[1]))\n"
        "with store.read() as reader: reader.instances.list()\n"
        "print([m for m in ('sqlite_utils', 'ruamel', 'pydantic', 'click') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", look, str(database(tmp_path))], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_three_processes_that_make_the_database_at_once_all_succeed(tmp_path: Path) -> None:
    make = (
        "import sys; from pathlib import Path; from runner.store.open import open_store\n"
        "sys.stdin.readline()\n"
        "store = open_store(Path(sys.argv[1]), create=True); print(store.lineage); store.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", make, str(database(tmp_path))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in answers] == ["", "", ""]
    assert len({lineage for lineage, _ in answers}) == 1


def test_an_install_finds_what_was_uninstalled_before_it_by_an_index(tmp_path: Path) -> None:
    from runner.store.sqlite.objects import BURIED

    open_store(database(tmp_path), create=True).close()
    connection = sqlite3.connect(database(tmp_path))
    [step] = connection.execute(f"EXPLAIN QUERY PLAN {BURIED}", ("Job", "nightly")).fetchall()
    connection.close()
    assert "objects_buried (kind=? AND name=?" in step[-1]
