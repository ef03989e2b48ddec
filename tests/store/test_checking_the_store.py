"""`db check` finds each way in which rows can contradict the lifecycle, and says where."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from store_builders import AT, a_hold, a_manual_run, a_slot_run, begin, created, install, live

from runner.store import admin
from runner.store.open import open_store
from runner.store.sqlite.columns import LISTS, MAPS, NAMES, TIMES
from runner.store.sqlite.invariants import INVARIANTS
from runner.store.sqlite.version import SCHEMA_VERSION
from runner.vocabulary.errors import NoDatabase
from tests.new_databases import open_new_store

IS_TIME = re.compile(r"(^|_)(at|since|until|deadline)$")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Run 1 SUCCEEDED, run 2 FAILED, run 3 RUNNING, run 4 SCHEDULED."""
    path = tmp_path / ".runner" / "runner.db"
    store = open_new_store(path)
    uid = install(store)
    live(store, a_slot_run(uid, 1))
    live(store, a_slot_run(uid, 2), well=False)
    running = created(store, a_slot_run(uid, 3))
    store.transact(lambda tx: begin(tx, running))
    created(store, a_manual_run(uid))
    store.transact(lambda tx: tx.holds.add(uid, a_hold("group:night")))
    store.transact(lambda tx: tx.state.put(uid, running, "-", {"page": 1}, at=AT))
    store.close()
    return path


def spoil(path: Path, statement: str) -> dict[str, tuple[str, ...]]:
    """Findings by rule after `statement` was done behind the store's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement)
    connection.close()
    return {check.rule: check.findings for check in admin.check(path).checks if not check.ok}


def test_a_database_that_was_only_written_by_the_store_holds(database: Path) -> None:
    checked = admin.check(database)
    assert [c.findings for c in checked.checks if not c.ok] == []
    assert (checked.ok, checked.schema_version, len(checked.checks)) == (
        True,
        SCHEMA_VERSION,
        len(INVARIANTS) + 3,
    )


SPOILED = [
    (
        "UPDATE job_instances SET state = 'DREAMING' WHERE id = 3",
        "every state is one of its table",
        "run 3 of nightly is in the unknown state DREAMING",
    ),
    (
        "UPDATE job_instances SET completed_at = NULL WHERE id = 1",
        "a run has an end exactly when its state is terminal",
        "run 1 of nightly is SUCCEEDED without an end",
    ),
    (
        "UPDATE job_instances SET started_at = NULL WHERE id = 3",
        "what is live has been claimed",
        "run 3 of nightly is RUNNING and was never claimed",
    ),
    (
        "UPDATE job_instances SET attempt = 9 WHERE id = 3",
        "attempts are counted only at claims",
        "run 3 of nightly counts 9 attempts in 1 claims",
    ),
    ("DELETE FROM tasks WHERE instance_id = 4", "every run has a task", "run 4 of nightly has no task"),
    (
        "UPDATE tasks SET state = 'RUNNING' WHERE instance_id = 4",
        "a task runs only inside a live run, and none goes on after its end",
        "task - is RUNNING while run 4 of nightly is SCHEDULED",
    ),
    (
        "UPDATE tasks SET state = 'FAILED' WHERE instance_id = 1",
        "SUCCEEDED means that every task succeeded",
        "run 1 of nightly SUCCEEDED while its task - is FAILED",
    ),
    (
        "UPDATE steps SET state = 'STARTED', completed_at = NULL, error = NULL WHERE instance_id = 2",
        "no step goes on after the end of its run",
        "step load is STARTED while run 2 of nightly is FAILED",
    ),
    (
        "UPDATE steps SET started_at = NULL WHERE instance_id = 3",
        "a step's state follows from its timestamps",
        "step load of run 3 is STARTED against its timestamps",
    ),
    (
        "UPDATE slots SET instance_id = 99 WHERE instance_id = 1",
        "every run of a slot stands in the ledger, and the ledger names it",
        "run 1 of nightly has slot 2026-11-21T11:00:00.123000+00:00, which the ledger does not give to it",
    ),
    (
        "UPDATE watermarks SET slot_key = 'lost'",
        "a watermark names only a slot that has been decided",
        "the watermark of schedule default of nightly names slot lost, which was never decided",
    ),
    (
        "UPDATE job_instances SET state = 'UNKNOWN' WHERE id = 3",
        "every move is an event, and the last one says the state",
        "run 3 of nightly is UNKNOWN, and its last event says RUNNING",
    ),
    (
        "UPDATE events SET before = 'PAUSED' WHERE row = 'I4' AND instance_id = 3",
        "every move is a row of the table",
        "event 20 (instance 3) is no move: I4 PAUSED -> RUNNING",
    ),
    (
        "UPDATE events SET instance_id = 77 WHERE id = 20",
        "no event of a run outlives the run",
        "event 20 is of run 77, which does not exist",
    ),
    (
        "UPDATE job_state_data SET instance_id = 1",
        "a run that succeeded left no state data",
        "run 1 of nightly SUCCEEDED and still has state data",
    ),
    (
        "UPDATE job_instances SET locks = 'warehouse', state = 'RUNNING' WHERE id IN (3, 4)",
        "a lock has one holder",
        "lock warehouse is held by runs 3, 4",
    ),
    (
        "INSERT INTO target_requests SELECT 1, id, '', 'stop', '', '', created_at FROM job_instances LIMIT 1",
        "nothing is asked of the targets of a run that has ended",
        "request 1 is still there, and run 1 of nightly has ended",
    ),
    (
        "UPDATE job_instances SET pauses = 'operator' WHERE id = 3",
        "only what is being paused, stopped or sought has a time at which that is forced",
        "run 3 of nightly is RUNNING and still has a time or a reason of an earlier state",
    ),
    (
        "UPDATE objects SET digest = 'sha256:x'",
        "an object is installed with its newest revision",
        "Job/nightly is installed with sha256:x, and revision 1 says sha256:a1",
    ),
    (
        "INSERT INTO applies VALUES"
        " (7, '2026-11-21T10:00:00.000Z', '', '', '', '', NULL, NULL, 0, '', '{}', '[]', '[]', 'x', 'y')",
        "no apply was altered or taken out of its chain",
        "apply 7 does not follow the one before it",
    ),
    (
        "UPDATE holds SET kind = 'group:'",
        "holds are of known kinds",
        "hold group: of Job/nightly is of an unknown kind",
    ),
    (
        "UPDATE job_instances SET due_at = '2026-11-21 10:00' WHERE id = 4",
        "times are UTC with milliseconds",
        "run 4 of nightly: due_at of table job_instances is no time",
    ),
    (
        "UPDATE job_instances SET inputs = '{' WHERE id = 4",
        "maps are JSON",
        "run 4 of nightly: inputs of table job_instances is no map",
    ),
    (
        "UPDATE steps SET outputs = '[]' WHERE instance_id = 1",
        "maps are JSON",
        "step load of run 1: outputs of table steps is no map",
    ),
    (
        "INSERT INTO drills VALUES ('n', 'd', 'proven', '2026-11-21T10:00:00.000Z', 'a', 1, 1, '{}', '{}')",
        "lists are JSON",
        "the crash drill of job n: ignored of table drills is no list",
    ),
    (
        "UPDATE job_state_data SET data = '{'",
        "what jobs have saved is JSON",
        "what run 3 saved: data of table job_state_data is no JSON",
    ),
    (
        "DELETE FROM objects",
        "every reference leads somewhere",
        "row 1 of revisions names a row of objects that does not exist",
    ),
]


@pytest.mark.parametrize(("statement", "rule", "finding"), SPOILED, ids=[rule for _, rule, _ in SPOILED])
def test_a_spoiled_row_is_found_and_named(database: Path, statement: str, rule: str, finding: str) -> None:
    assert finding in spoil(database, statement)[rule]


def test_every_invariant_has_a_row_that_spoils_it() -> None:
    assert {invariant.rule for invariant in INVARIANTS} <= {rule for _, rule, _ in SPOILED}


def test_every_table_has_a_name_and_each_of_its_columns_is_looked_at(database: Path) -> None:
    connection = sqlite3.connect(database)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(NAMES) == {name for name in tables if "sqlite_" not in name} - {"meta", "arrival_feeds"}
    for table in NAMES:
        columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
        times = {name for _, name, kind, *_ in columns if kind == "TEXT" and IS_TIME.search(name)}
        assert times == set(TIMES.get(table, ())), table
        assert {name for _, name, _, _, empty, _ in columns if empty == "'{}'"} <= set(MAPS.get(table, ()))
        assert {name for _, name, _, _, empty, _ in columns if empty == "'[]'"} == set(LISTS.get(table, ()))
    connection.close()


def test_a_database_that_others_may_read_is_found(database: Path) -> None:
    database.chmod(0o644)
    (wrong,) = [check for check in admin.check(database).checks if not check.ok]
    assert wrong.findings == (f"{database} has mode 0644; run: chmod 600 {database}",)


def test_a_damaged_file_is_found_and_not_looked_into_further(database: Path) -> None:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'instances_by_job'")
    connection.close()
    checked = admin.check(database)
    assert not checked.ok
    assert [c.rule for c in checked.checks] == ["the file is whole", "only its owner may read it"]


def test_many_findings_are_counted_and_some_are_shown(database: Path) -> None:
    store = open_store(database)
    uid = install(store, "other")
    for number in range(30):
        created(store, a_slot_run(uid, number))
    store.close()
    spoil(database, "UPDATE job_instances SET state = 'DREAMING'")
    unknown = admin.check(database).checks[2]
    assert (len(unknown.findings), unknown.more) == (20, 14)


def test_checking_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoDatabase, match=r"There is no database at .*; name another with --db"):
        admin.check(tmp_path / "runner.db")


def test_a_backup_made_while_others_write_is_whole_and_private(database: Path, tmp_path: Path) -> None:
    store = open_store(database)
    uid = install(store, "other")
    for number in range(200):
        run = a_manual_run(uid, f"manual:{number}")
        store.submit(
            lambda tx, run=run: tx.instances.create(run, who="a", at=AT), lambda result, problem: None
        )
    copy = tmp_path / "copy.db"
    assert admin.backup(database, copy) == copy.stat().st_size
    store.close()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir() if "copy" in file.name] == ["copy.db"]
    restored = open_store(copy)
    assert restored.lineage == store.lineage
    restored.close()
    assert admin.check(copy).ok
