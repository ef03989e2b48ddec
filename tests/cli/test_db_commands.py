"""`runner db`: what a person and a script see."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from installations import Installation, a_job

from runner.cli.main import main
from runner.operations import vacuum_database
from runner.store.daemon_lock import daemon_lock
from runner.store.sqlite.invariants import INVARIANTS
from runner.store.sqlite.version import SCHEMA_VERSION

CHECKS = len(INVARIANTS) + 3


def test_check_says_that_everything_holds(here: Installation, say: Callable[..., Any]) -> None:
    here.install(a_job("nightly"))
    said = say("db", "check")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] == "ok     the file is whole"
    assert f"all {CHECKS} checks hold (tables version {SCHEMA_VERSION}," in said.out.splitlines()[-1]


def test_check_names_what_is_wrong_and_exits_1(here: Installation, say: Callable[..., Any]) -> None:
    here.install(a_job("nightly"))
    connection = sqlite3.connect(here.path, isolation_level=None)
    connection.execute("UPDATE objects SET digest = 'sha256:x'")
    connection.close()
    said = say("db", "check")
    assert said.code == 1
    lines = said.out.splitlines()
    place = lines.index("WRONG  an object is installed with its newest revision")
    assert lines[place + 1].startswith("         Job/nightly is installed with sha256:x, and revision 1 says")
    assert f"1 of {CHECKS} checks found something" in lines[-1]
    said = say("db", "check", "-o", "json")
    assert (said.code, said.json["ok"]) == (1, False)
    assert [c["rule"] for c in said.json["checks"] if not c["ok"]] == [
        "an object is installed with its newest revision"
    ]


@pytest.mark.parametrize("words", [("check",), ("migrate",), ("prune",), ("vacuum",), ("backup", "copy.db")])
def test_without_a_database_each_says_so_and_makes_none(
    tmp_path: Path, say: Callable[..., Any], words: tuple[str, ...]
) -> None:
    said = say("db", *words)
    assert said.code == 1
    assert said.err.startswith(f"Error: There is no database at {tmp_path}/.runner/runner.db;")
    assert list(tmp_path.iterdir()) == []


def test_backup_writes_one_private_file_and_never_over_another(
    here: Installation, say: Callable[..., Any], tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    said = say("db", "backup", str(copy))
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{here.path} copied to {copy} (")
    assert copy.stat().st_mode & 0o777 == 0o600
    said = say("db", "backup", str(copy))
    assert (said.code, said.err) == (3, f"Refused: {copy} exists; name another file, or use --force\n")
    said = say("db", "backup", str(copy), "--force", "-o", "json")
    assert (said.code, said.json["file"]) == (0, str(copy))
    said = say("db", "backup", str(tmp_path))
    assert (said.code, said.err) == (3, f"Refused: {tmp_path} is a folder; name a file in it\n")
    said = say("db", "backup", str(here.path), "--force")
    assert (said.code, said.err) == (3, f"Refused: {here.path} is the database itself; name another file\n")


def test_backup_makes_no_folder_where_a_disk_may_be_missing(
    here: Installation, say: Callable[..., Any], tmp_path: Path
) -> None:
    said = say("db", "backup", str(tmp_path / "mnt" / "copy.db"))
    assert (said.code, said.out) == (1, "")
    assert said.err == f"Error: there is no folder {tmp_path}/mnt; make it, or mount what belongs there\n"


def test_backup_takes_the_place_of_no_device(
    here: Installation, say: Callable[..., Any], tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    said = say("db", "backup", str(pipe), "--force")
    assert (said.code, pipe.is_fifo()) == (3, True)
    assert said.err == f"Refused: {pipe} is no regular file, and stays what it is; name another one\n"


def test_migrate_makes_a_database_only_with_create(tmp_path: Path, say: Callable[..., Any]) -> None:
    path = tmp_path / ".runner" / "runner.db"
    said = say("db", "migrate", "--create")
    assert (said.code, said.out) == (0, f"{path} made (tables version {SCHEMA_VERSION})\n")
    said = say("db", "migrate", "-o", "json")
    assert said.json == {
        "database": str(path),
        "before": SCHEMA_VERSION,
        "after": SCHEMA_VERSION,
        "applied": [],
        "backup": None,
    }


def test_prune_says_what_went(here: Installation, say: Callable[..., Any]) -> None:
    here.install(a_job("nightly", history={"keep": 1}))
    for number in range(3):
        here.run("nightly", "CANCELLED" if number == -1 else "SUCCEEDED", key=str(number))
    said = say("db", "prune")
    assert (said.code, said.out) == (0, "       2  nightly\nDeleted 2 runs and 0 logs (0B).\n")
    said = say("db", "prune", "--keep-days", "30", "-o", "json")
    assert said.json == {
        "instances": 0,
        "logs": 0,
        "log_bytes": 0,
        "kept_logs": [],
        "blobs": 0,
        "blob_bytes": 0,
        "kept_blobs": [],
        "jobs": [],
    }


def fill_and_empty(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE ballast (text)")
        connection.execute("INSERT INTO ballast VALUES (zeroblob(2000000))")
        connection.execute("DROP TABLE ballast")


def test_vacuum_gives_the_room_of_what_was_deleted_back(here: Installation, say: Callable[..., Any]) -> None:
    here.install(a_job("nightly"))
    fill_and_empty(here.path)
    said = say("db", "vacuum", "-o", "json")
    assert (said.code, said.json["before"] - said.json["after"] > 1_900_000) == (0, True)
    assert here.path.stat().st_size == said.json["after"]
    assert say("db", "check").code == 0
    assert "before, " in say("db", "vacuum").out


def test_vacuum_is_refused_where_it_would_do_harm(
    here: Installation, say: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vacuum_database, "free_space", lambda _: 1000)
    said = say("db", "vacuum")
    assert (said.code, "1000B are free on the disk of" in said.err) == (3, True)
    monkeypatch.undo()
    monkeypatch.setattr(vacuum_database, "LONG", 1000)
    with daemon_lock(here.state):
        said = say("db", "vacuum")
    assert said.code == 3
    assert (
        f"would keep the daemon (pid {os.getpid()}) from recording for too long; run `runner drain`"
        in said.err
    )


def test_wrong_usage_exits_64(say: Callable[..., Any]) -> None:
    for words in (("db", "prune", "--keep-days", "soon"), ("db", "backup"), ("db", "chek")):
        assert say(*words).code == 64


@pytest.mark.parametrize("command", ["check", "backup", "migrate", "prune", "vacuum"])
def test_each_help_text_has_one_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["db", command, "-h"])
    assert capsys.readouterr().out.count("Example:") == 1


def test_the_json_is_one_object(here: Installation, say: Callable[..., Any]) -> None:
    assert set(json.loads(say("db", "check", "-o", "json").out)) == {
        "database",
        "schema_version",
        "size",
        "ok",
        "checks",
    }
