"""A sql step on the real databases: one transaction, bind parameters only, errors told apart."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.execution.actions.databases import opened
from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.sql import perform
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(a_step: Builder, database: dict[str, Any]) -> Run:
    """Runs SQL on the database, each kind in turn."""
    return runner_of(a_step, database)


def runner_of(a_step: Builder, connection: dict[str, Any]) -> Run:
    def run(sql: str, **values: Any) -> dict[str, Any]:
        step = a_step(files={"a.sql": sql}, connections={"warehouse": connection})
        return perform({"connection": "warehouse", "file": "a.sql", "with": values}, step)

    return run


def test_rows_are_counted_and_the_first_is_an_output(run: Run) -> None:
    assert run("CREATE TABLE t (n INTEGER, name VARCHAR(20))") == {"rows": 0, "first": None}
    assert run("INSERT INTO t VALUES (:a, 'x'), (:b, :c)", a=1, b=2, c="y") == {"rows": 2, "first": None}
    assert run("SELECT * FROM t ORDER BY n") == {"rows": 2, "first": {"n": 1, "name": "x"}}
    assert run("SELECT * FROM t WHERE n > 5") == {"rows": 0, "first": None}
    assert run("UPDATE t SET name = :v WHERE n = 1", v=None)["rows"] == 1
    assert run("SELECT name FROM t WHERE n = 1")["first"] == {"name": None}


def test_several_statements_are_one_transaction(run: Run) -> None:
    run("CREATE TABLE t (n INTEGER PRIMARY KEY)")
    with pytest.raises(ActionFailed) as raised:
        run("INSERT INTO t VALUES (1);\n\nINSERT INTO t VALUES (1);")
    assert raised.value.code == "constraint"
    assert raised.value.description.startswith("a.sql, statement at line 3: connection warehouse: ")
    assert run("SELECT count(*) AS n FROM t")["first"] == {"n": 0}
    assert run("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); DELETE FROM t") == {
        "rows": 2,
        "first": None,
    }


def test_a_value_is_never_part_of_the_statement(run: Run) -> None:
    run("CREATE TABLE t (name VARCHAR(200))")
    hostile = "'; DROP TABLE t; -- \\ \" %s :x {}"
    run("INSERT INTO t VALUES (:v)", v=hostile)
    assert run("SELECT name FROM t WHERE name = :v AND name <> ' :v; 100%'", v=hostile)["first"] == {
        "name": hostile
    }


def test_a_list_fills_in(run: Run) -> None:
    run("CREATE TABLE t (n INTEGER)")
    run("INSERT INTO t VALUES (1), (2), (3)")
    assert run("SELECT n FROM t WHERE n IN :ns", ns=[1, 3])["rows"] == 2
    assert run("SELECT n FROM t WHERE n IN :ns", ns=[])["rows"] == 0


def test_a_missing_value_is_named_before_anything_runs(run: Run) -> None:
    with pytest.raises(ActionFailed) as raised:
        run("CREATE TABLE never (n INTEGER);\nINSERT INTO never VALUES (:a)")
    assert raised.value.description == (
        "a.sql has :a (line 2), but the step's with has no value of that name"
    )
    with pytest.raises(ActionFailed) as raised:
        run("SELECT * FROM never")
    assert raised.value.code == "table-missing"


def test_a_value_without_a_parameter_is_a_warning(run: Run, said: list[dict[str, Any]]) -> None:
    run("SELECT 1 AS n", spare=1)
    assert said[0]["description"] == "a.sql has no parameter :spare, which the step's with names"


def test_own_transaction_statements_are_refused(run: Run) -> None:
    with pytest.raises(ActionFailed, match=r"a\.sql, line 2: COMMIT is not needed"):
        run("SELECT 1;\nCOMMIT")


def test_a_wrong_statement_is_not_tried_again_and_shows_no_value(run: Run) -> None:
    with pytest.raises(ActionFailed) as raised:
        run("SELEC :v", v="hunter2")
    assert (raised.value.code, raised.value.retryable) == ("statement", False)
    assert "hunter2" not in raised.value.description
    assert raised.value.__cause__ is None


def test_text_without_statements_is_an_error(run: Run) -> None:
    with pytest.raises(ActionFailed, match=r"a\.sql holds no SQL statement"):
        run("-- nothing yet\n")


def test_a_large_result_is_counted_without_keeping_it(a_step: Builder, postgresql: dict[str, Any]) -> None:
    run = runner_of(a_step, postgresql)
    assert run("SELECT n, repeat('x', 1000) AS x FROM generate_series(1, 50000) n")["rows"] == 50_000


def test_values_of_every_type_become_json(a_step: Builder, postgresql: dict[str, Any]) -> None:
    run = runner_of(a_step, postgresql)
    first = run(
        "SELECT 1.50::numeric AS a, 12345678901234567890.5::numeric AS b, date '2026-11-21' AS c, "
        "timestamptz '2026-11-21 10:00+00' AT TIME ZONE 'UTC' AS d, '\\x00ff'::bytea AS e, "
        "'{\"k\": [1]}'::jsonb AS f, ARRAY[1,2] AS g, true AS h, interval '90 seconds' AS i"
    )["first"]
    assert first == {
        "a": 1.5,
        "b": "12345678901234567890.5",
        "c": "2026-11-21",
        "d": "2026-11-21T10:00:00",
        "e": "AP8=",
        "f": {"k": [1]},
        "g": [1, 2],
        "h": True,
        "i": "1m30s",
    }


def test_vacuum_runs_outside_of_a_transaction(a_step: Builder, sqlite: Any, postgresql: Any) -> None:
    for connection in (sqlite, postgresql):
        assert runner_of(a_step, connection)("VACUUM") == {"rows": 0, "first": None}


def test_a_stored_procedure_is_one_statement_in_mariadb(a_step: Builder, mariadb: Any) -> None:
    run = runner_of(a_step, mariadb)
    run("CREATE PROCEDURE p() BEGIN DECLARE n INT; SET n = 1; SELECT n AS n; END;")
    assert run("CALL p()")["first"] == {"n": 1}


@pytest.mark.parametrize(("kind", "sqlstate"), [("postgresql", "40P01"), ("mariadb", "40001")])
def test_a_deadlock_is_told_apart_and_may_be_tried_again(
    a_step: Builder, request: pytest.FixtureRequest, kind: str, sqlstate: str
) -> None:
    connection = request.getfixturevalue(kind)
    run = runner_of(a_step, connection)
    run("CREATE TABLE t (n INTEGER PRIMARY KEY, v INTEGER)")
    run("INSERT INTO t VALUES (1, 0), (2, 0)")
    step = a_step(connections={"warehouse": connection})
    both_hold_one = threading.Barrier(2)
    failures: list[ActionFailed] = []

    def update(first: int, second: int) -> None:
        try:
            with opened("warehouse", step) as database, database.transaction() as transaction:
                transaction.exec_driver_sql(f"UPDATE t SET v = v + 1 WHERE n = {first}")
                both_hold_one.wait(30)
                transaction.exec_driver_sql(f"UPDATE t SET v = v + 1 WHERE n = {second}")
        except ActionFailed as failed:
            failures.append(failed)

    threads = [threading.Thread(target=update, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (failed,) = failures
    assert (failed.code, failed.retryable, failed.sqlstate) == ("deadlock", True, sqlstate)
    assert run("SELECT sum(v) AS v FROM t")["first"] == {"v": 2}  # the other one was committed


def test_a_serialization_failure_is_told_apart(a_step: Builder, postgresql: dict[str, Any]) -> None:
    run = runner_of(a_step, postgresql)
    run("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (0)")
    step = a_step(connections={"warehouse": postgresql})
    with opened("warehouse", step) as database, pytest.raises(ActionFailed) as raised:  # noqa: SIM117
        with database.transaction() as transaction:
            transaction.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            transaction.exec_driver_sql("SELECT * FROM t")
            run("UPDATE t SET v = 1")
            transaction.exec_driver_sql("UPDATE t SET v = 2")
    assert (raised.value.code, raised.value.retryable, raised.value.sqlstate) == (
        "serialization",
        True,
        "40001",
    )


def test_a_busy_sqlite_file_may_be_tried_again(
    a_step: Builder, sqlite: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runner.execution.actions.databases.BUSY_TIMEOUT_S", 0)
    holder = sqlite3.connect(sqlite["url"].removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(ActionFailed) as raised:
        runner_of(a_step, sqlite)("CREATE TABLE t (n INTEGER)")
    holder.close()
    assert (raised.value.code, raised.value.retryable) == ("busy", True)


@pytest.mark.parametrize(("kind", "right"), [("postgresql", "s3cret-pg"), ("mariadb", "s3cret-my")])
def test_a_wrong_password_is_an_authorization_failure_without_the_password(
    a_step: Builder, request: pytest.FixtureRequest, kind: str, right: str, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = request.getfixturevalue(kind)
    with pytest.raises(ActionFailed) as raised:
        runner_of(a_step, {**connection, "user": "locked", "password": "hunter2"})("SELECT 1 AS n")
    assert (raised.value.code, raised.value.retryable) == ("authorization", False)
    shown = capfd.readouterr()
    for text in (raised.value.description, repr(raised.value), shown.out, shown.err):
        assert "hunter2" not in text
    assert "Authorization" in raised.value.description

    run = runner_of(a_step, {**connection, "user": "locked", "password": right})
    assert run("SELECT 1 AS n")["first"] == {"n": 1}


def test_missing_rights_are_an_authorization_failure(a_step: Builder, postgresql: dict[str, Any]) -> None:
    runner_of(a_step, postgresql)("CREATE TABLE t (n INTEGER)")
    locked = {**postgresql, "user": "locked", "password": "s3cret-pg"}
    with pytest.raises(ActionFailed) as raised:
        runner_of(a_step, locked)("SELECT * FROM t")
    assert (raised.value.code, raised.value.sqlstate) == ("authorization", "42501")


def test_a_server_that_is_away_may_be_tried_again(a_step: Builder) -> None:
    for url in ("postgresql://127.0.0.1:1/x", "mariadb://127.0.0.1:1/x"):
        with pytest.raises(ActionFailed) as raised:
            runner_of(a_step, {"url": url, "user": "u", "password": "hunter2"})("SELECT 1")
        assert (raised.value.code, raised.value.retryable) == ("connection", True)
        assert "hunter2" not in raised.value.description


@pytest.mark.parametrize(
    ("url", "description"),
    [
        (
            "oracle://x/y",
            "connection warehouse: oracle is not a database that sql and copy reach; "
            "use sqlite, postgresql or mariadb",
        ),
        ("::", "connection warehouse: its url is not a database URL"),
        (
            "sqlite:///data/x.db",
            "connection warehouse: the SQLite file data/x.db has no absolute path here; "
            "write sqlite:////absolute/path",
        ),
    ],
)
def test_a_connection_that_cannot_be_used_says_why(a_step: Builder, url: str, description: str) -> None:
    with pytest.raises(ActionFailed) as raised:
        runner_of(a_step, {"url": url})("SELECT 1")
    assert (raised.value.code, raised.value.description) == ("bad-connection", description)


def test_a_sqlite_file_that_cannot_be_opened_is_named_with_the_reason(
    a_step: Builder, tmp_path: Path
) -> None:
    missing, folder = tmp_path / "data" / "x.db", tmp_path / "x.db"
    folder.mkdir()
    for file, why in (
        (missing, f"there is no folder {missing.parent}, and SQLite makes none"),
        (folder, "it is a folder"),
    ):
        with pytest.raises(ActionFailed) as raised:
            runner_of(a_step, {"url": f"sqlite:///{file}"})("SELECT 1")
        assert (raised.value.code, raised.value.retryable) == ("connection", False)
        assert raised.value.description.endswith(
            f"connection warehouse: unable to open database file {file}: {why}"
        )


def test_an_unknown_connection_names_the_known_ones(a_step: Builder) -> None:
    step = a_step(connections={"lake": {"url": "sqlite://"}})
    with pytest.raises(ActionFailed, match="there is no connection 'warehouse'; declared: lake"):
        perform({"connection": "warehouse", "statement": "SELECT 1"}, step)
