"""A copy step: files and tables of the real databases, whole or not at all."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.execution.actions import sql
from runner.execution.actions.copy import perform
from runner.execution.actions.failure import ActionFailed
from runner.execution.child.context import StepContext

Builder = Callable[..., StepContext]

WEATHER = 'day,code,rain,wet,note\n2026-01-01,007,0.5,true,\n2026-01-02,010,12,false,"a, b"\n'


class Bench:
    """A folder with roots `in` and `out`, and a database."""

    def __init__(self, a_step: Builder, folder: Path, connection: dict[str, Any]) -> None:
        self.incoming, self.out = folder / "in", folder / "out"
        self.incoming.mkdir()
        self._build = a_step
        self._given = {
            "connections": {"warehouse": connection},
            "roots": {
                "in": {"path": str(self.incoming), "access": "read"},
                "out": {"path": str(self.out), "access": "write"},
            },
        }

    def copy(self, origin: dict[str, str], to: dict[str, str], **fields: Any) -> dict[str, Any]:
        return perform({"from": origin, "to": to, **fields}, self._build(**self._given))

    def load(self, text: str | bytes, file: str = "a.csv", **fields: Any) -> dict[str, Any]:
        (self.incoming / file).write_bytes(text.encode() if isinstance(text, str) else text)
        return self.copy({"root": "in", "path": file}, {"connection": "warehouse", "table": "t"}, **fields)

    def convert(self, text: str | bytes, file: str, to: str, **fields: Any) -> dict[str, Any]:
        (self.incoming / file).write_bytes(text.encode() if isinstance(text, str) else text)
        return self.copy({"root": "in", "path": file}, {"root": "out", "path": to}, **fields)

    def sql(self, statement: str) -> dict[str, Any]:
        return sql.perform({"connection": "warehouse", "statement": statement}, self._build(**self._given))

    def rows(self, query: str = "SELECT * FROM t") -> list[dict[str, Any]]:
        """What the table has, read back through a copy to JSON lines."""
        self.copy({"connection": "warehouse", "query": query}, {"root": "out", "path": "rows.jsonl"})
        return [json.loads(line) for line in (self.out / "rows.jsonl").read_text().splitlines()]


@pytest.fixture
def bench(a_step: Builder, tmp_path: Path, database: dict[str, Any]) -> Bench:
    """With each kind of database in turn."""
    return Bench(a_step, tmp_path, database)


@pytest.fixture
def files(a_step: Builder, tmp_path: Path, sqlite: dict[str, Any]) -> Bench:
    """With a SQLite database."""
    return Bench(a_step, tmp_path, sqlite)


def test_a_csv_file_makes_the_table_it_is_loaded_into(bench: Bench) -> None:
    assert bench.load(WEATHER) == {"rows": 2, "bytes": len(WEATHER)}
    first, second = bench.rows("SELECT * FROM t ORDER BY day")
    assert (first["day"], first["code"], first["rain"], first["note"]) == ("2026-01-01", "007", 0.5, None)
    assert (second["wet"] in (False, 0), second["note"]) == (True, "a, b")


def test_appending_adds_and_replacing_empties_first(bench: Bench) -> None:
    bench.load(WEATHER)
    bench.load(WEATHER, mode="append")
    assert bench.sql("SELECT count(*) AS n FROM t")["first"] == {"n": 4}
    bench.load(WEATHER, mode="replace")
    assert bench.sql("SELECT count(*) AS n FROM t")["first"] == {"n": 2}


def test_upsert_changes_known_rows_and_adds_new_ones(bench: Bench) -> None:
    bench.load("id,v\n1,a\n2,b\n", mode="upsert", key=["id"])
    assert bench.load("id,v\n2,B\n3,c\n3,C\n", mode="upsert", key=["id"])["rows"] == 3
    assert [(row["id"], row["v"]) for row in bench.rows("SELECT * FROM t ORDER BY id")] == [
        (1, "a"),
        (2, "B"),
        (3, "C"),
    ]


def test_upsert_without_a_unique_key_is_refused(bench: Bench) -> None:
    bench.sql("CREATE TABLE t (id INTEGER, v VARCHAR(9))")
    with pytest.raises(ActionFailed) as raised:
        bench.load("id,v\n1,a\n", mode="upsert", key=["id"])
    assert raised.value.description == (
        "table t in connection warehouse has no primary key or unique index over (id), so known rows "
        "cannot be told; add one: CREATE UNIQUE INDEX … ON t (id)"
    )


def test_an_empty_key_is_named_by_its_line(bench: Bench) -> None:
    bench.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(9))")
    with pytest.raises(ActionFailed, match="line 3: column id is empty, but it is in the key"):
        bench.load("id,v\n1,a\n,b\n", mode="upsert", key=["id"])


def test_values_take_the_kinds_of_an_existing_table(bench: Bench) -> None:
    bench.sql(
        "CREATE TABLE t (code VARCHAR(9), n NUMERIC(12, 2), d DATE, at TIMESTAMP NULL, f DOUBLE PRECISION, "
        "s VARCHAR(9) NOT NULL)"
    )
    bench.load("s,code,n,d,at,f\n,007,1.10,2026-01-02,2026-01-02T03:04:05,1e3\nx,8,,,,\n")
    assert bench.rows("SELECT code, n, d, f, s FROM t ORDER BY code") == [
        {"code": "007", "n": 1.1, "d": "2026-01-02", "f": 1000.0, "s": ""},
        {"code": "8", "n": None, "d": None, "f": None, "s": "x"},
    ]


def test_a_value_that_does_not_fit_is_named_and_nothing_is_written(bench: Bench) -> None:
    bench.sql("CREATE TABLE t (a INTEGER, b DATE)")
    rows = "".join(f"{n},2026-01-01\n" for n in range(5000))
    with pytest.raises(ActionFailed) as raised:
        bench.load("a,b\n" + rows + "7,01.02.2026\n")
    assert raised.value.description == "line 5002: column b: '01.02.2026' is not a date like 2026-11-21"
    assert bench.sql("SELECT count(*) AS n FROM t")["first"] == {"n": 0}


def test_a_failed_copy_leaves_no_new_table(bench: Bench) -> None:
    with pytest.raises(ActionFailed) as raised:
        bench.load("a,b\n1,2\n3\n4,5\n")
    assert raised.value.code == "input-invalid"
    with pytest.raises(ActionFailed) as raised:
        bench.sql("SELECT * FROM t")
    assert raised.value.code == "table-missing"


def test_columns_are_chosen_and_named_anew(bench: Bench) -> None:
    bench.load(WEATHER, columns={"rain": "mm", "day": "on_day"})
    assert bench.rows("SELECT * FROM t ORDER BY on_day")[0] == {"mm": 0.5, "on_day": "2026-01-01"}
    with pytest.raises(ActionFailed) as raised:
        bench.load(WEATHER, columns=["rian"])
    assert raised.value.description == "a.csv has no column 'rian'; did you mean 'rain'?"
    with pytest.raises(ActionFailed) as raised:
        bench.load(WEATHER, columns={"rain": "m"})
    assert raised.value.description.startswith("table t in connection warehouse has no column 'm'; ")


def test_names_that_need_quoting_are_quoted(bench: Bench) -> None:
    bench.load('"a b","100%","sel""ect",order\n1,2,3,4\n')
    bench.load('"a b","100%","sel""ect",order\n1,2,3,5\n')
    assert bench.rows()[1] == {"a b": 1, "100%": 2, 'sel"ect': 3, "order": 5}


def test_a_table_becomes_a_file_and_a_file_the_same_table(bench: Bench) -> None:
    bench.load(WEATHER)
    before = bench.rows("SELECT * FROM t ORDER BY day")
    for file in ("a.csv", "a.jsonl", "a.parquet", "a.csv.gz", "a.jsonl.gz"):
        origin, to = {"connection": "warehouse", "table": "t"}, {"root": "out", "path": f"sub/{file}"}
        outputs = bench.copy(origin, to)
        assert outputs == {"rows": 2, "bytes": (bench.out / "sub" / file).stat().st_size}
        bench.copy(
            {"root": "out", "path": f"sub/{file}"}, {"connection": "warehouse", "table": "t"}, mode="replace"
        )
        assert bench.rows("SELECT * FROM t ORDER BY day") == before
    assert not [path for path in (bench.out / "sub").iterdir() if path.name.startswith(".")]


def test_one_table_is_copied_to_another_of_the_same_connection(bench: Bench) -> None:
    bench.load(WEATHER)
    here = {"connection": "warehouse"}
    assert bench.copy({**here, "query": "SELECT day FROM t"}, {**here, "table": "days"})["rows"] == 2
    assert bench.copy({**here, "table": "t"}, {**here, "table": "t"})["rows"] == 2
    assert bench.sql("SELECT count(*) AS n FROM t")["first"] == {"n": 4}


def test_rows_go_from_one_database_to_another(
    a_step: Builder, tmp_path: Path, sqlite: Any, postgresql: Any, mariadb: Any
) -> None:
    bench = Bench(a_step, tmp_path, sqlite)
    bench._given["connections"].update(pg=postgresql, my=mariadb)
    bench.load(WEATHER)
    bench.copy({"connection": "warehouse", "table": "t"}, {"connection": "pg", "table": "public.t"})
    bench.copy({"connection": "pg", "table": "t"}, {"connection": "my", "table": "t"})
    bench.copy({"connection": "my", "table": "t"}, {"root": "out", "path": "a.csv"})
    assert (bench.out / "a.csv").read_text().splitlines()[0] == "day,code,rain,wet,note"
    assert "2026-01-02,010,12.0," in (bench.out / "a.csv").read_text()


def test_files_become_files_of_another_format(files: Bench) -> None:
    files.convert(WEATHER, "a.csv", "a.parquet")
    files.copy({"root": "out", "path": "a.parquet"}, {"root": "out", "path": "b.jsonl"})
    files.convert(WEATHER, "a.csv", "c.jsonl")
    expected = {"code": "007", "rain": 0.5, "wet": True, "note": None}
    for file in ("b.jsonl", "c.jsonl"):
        first = json.loads((files.out / file).read_text().splitlines()[0])
        assert {**first, "day": "2026-01-01"} == {"day": "2026-01-01", **expected}
    files.copy({"root": "out", "path": "c.jsonl"}, {"root": "out", "path": "d.csv"})
    assert (files.out / "d.csv").read_text().splitlines()[0] == "day,code,rain,wet,note"


def test_null_and_empty_text_stay_apart_in_files(files: Bench) -> None:
    files.sql("CREATE TABLE t (a TEXT, b TEXT)")
    files.sql("INSERT INTO t VALUES (NULL, ''), ('x', ' y')")
    files.copy({"connection": "warehouse", "table": "t"}, {"root": "out", "path": "a.csv"})
    assert (files.out / "a.csv").read_text() == 'a,b\n,""\nx," y"\n'
    files.copy({"connection": "warehouse", "table": "t"}, {"root": "out", "path": "a.parquet"})
    files.copy({"root": "out", "path": "a.parquet"}, {"root": "out", "path": "b.csv"})
    assert (files.out / "b.csv").read_text() == 'a,b\n,""\nx," y"\n'


def test_another_delimiter_and_encoding(files: Bench) -> None:
    files.load("näme;v\nMüller;1\n".encode("cp1252"), delimiter=";", encoding="cp1252")
    assert files.rows() == [{"näme": "Müller", "v": 1}]
    files.load('\ufeffnäme;v\r\n"Two\r\nlines";2\r\n'.encode(), delimiter=";")
    assert files.rows()[1] == {"näme": "Two\r\nlines", "v": 2}


@pytest.mark.parametrize(
    ("file", "content", "code", "description"),
    [
        (
            "a.csv",
            b"",
            "input-incomplete",
            "a.csv is half-written: it is empty, without even the line of column names",
        ),
        (
            "a.csv",
            b"a,b\n1,2\n3",
            "input-incomplete",
            "a.csv is half-written: its last line 3 has 1 values, the header 2",
        ),
        (
            "a.csv",
            b'a,b\n1,"x\n',
            "input-incomplete",
            "a.csv is half-written: the quoted text that begins in line 2 has no end",
        ),
        (
            "a.csv",
            b"a,b\n1,2\n3\n4,5\n",
            "input-invalid",
            "a.csv: line 3 has 1 values, the header 2; is the delimiter right?",
        ),
        ("a.csv", b"a,b\n1,2,3\n", "input-invalid", "a.csv: line 2 has 3 values, the header 2"),
        ("a.csv", b'a,b\n1,"x"y\n', "input-invalid", "a.csv: line 2: ',' expected after '\"'"),
        ("a.csv", b"a,,b\n", "input-invalid", "a.csv: column 2 has no name in the header"),
        ("a.csv", b"a,b,a\n", "input-invalid", "a.csv: the header has the column 'a' more than once"),
        (
            "a.csv",
            b"a\n\xe4\n",
            "input-invalid",
            "a.csv: after line 0 there are bytes that are not utf-8; name its encoding",
        ),
        (
            "a.csv",
            "a\nä".encode()[:-1],
            "input-incomplete",
            "a.csv is half-written: it ends inside a character after line 1",
        ),
        ("a.csv", b"a\n\0\n", "input-invalid", "a.csv: line 2 has a NUL character; is it a text file?"),
        (
            "a.jsonl",
            b'{"a": 1}\n{"a": ',
            "input-incomplete",
            "a.jsonl is half-written: its last line 2 is no whole JSON object",
        ),
        ("a.jsonl", b'{"a": 1}\n[1]\n', "input-invalid", "a.jsonl: line 2 is no JSON object"),
        ("a.jsonl", b'{"a": NaN}\n', "input-invalid", "a.jsonl: line 1 is not JSON (NaN is no JSON number)"),
        ("a.parquet", b"", "input-incomplete", "a.parquet is half-written: its footer is missing"),
        (
            "a.parquet",
            b"PAR1" + b"x" * 90,
            "input-incomplete",
            "a.parquet is half-written: its footer is missing",
        ),
        ("a.parquet", b"x" * 90, "input-invalid", "a.parquet: it is not a Parquet file"),
        (
            "a.csv.gz",
            gzip.compress(b"a\n" + b"1\n" * 9999, mtime=0)[:-9],
            "input-incomplete",
            "a.csv.gz is half-written: the compressed data ends after line",
        ),
        (
            "a.txt",
            b"",
            "unknown-format",
            "from: the suffix of a.txt names no format; declare format: csv, jsonl or parquet",
        ),
    ],
)
def test_a_half_written_input_is_told_apart_from_a_wrong_one(
    files: Bench, file: str, content: bytes, code: str, description: str
) -> None:
    with pytest.raises(ActionFailed) as raised:
        files.load(content, file)
    assert raised.value.code == code
    assert raised.value.description.startswith(description)
    assert raised.value.retryable == (code == "input-incomplete")


def test_a_missing_input_is_named_and_may_come_later(files: Bench) -> None:
    with pytest.raises(ActionFailed) as raised:
        files.copy({"root": "in", "path": "x.csv"}, {"connection": "warehouse", "table": "t"})
    assert (raised.value.code, raised.value.retryable) == ("input-missing", True)
    assert raised.value.description == "x.csv in root in does not exist; was it delivered?"


def test_an_input_that_grows_while_it_is_read_is_not_taken(
    files: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runner.execution.actions.tabular.csv_file import CsvWriter

    write = CsvWriter.write

    def write_while_it_grows(self: CsvWriter, rows: Any) -> None:
        with (files.incoming / "a.csv").open("a") as file:
            file.write("3\n")
        write(self, rows)

    monkeypatch.setattr(CsvWriter, "write", write_while_it_grows)
    with pytest.raises(ActionFailed) as raised:
        files.convert("a\n1\n", "a.csv", "b.csv")
    assert (raised.value.code, raised.value.retryable) == ("input-changed", True)
    assert list(files.out.iterdir()) == []


def test_a_failure_leaves_the_file_of_before(files: Bench) -> None:
    files.convert("a\n1\n", "a.csv", "b.csv")
    with pytest.raises(ActionFailed):
        files.convert("a\n1\n2,3\n4\n", "a.csv", "b.csv")
    assert [(path.name, path.read_text()) for path in files.out.iterdir()] == [("b.csv", "a\n1\n")]


def test_a_query_must_be_one_select_without_parameters(files: Bench) -> None:
    to = {"root": "out", "path": "a.csv"}
    for query, description in (
        ("SELECT 1; SELECT 2", "the query has 2 statements; one SELECT is needed"),
        ("SELECT :a", "the query has the parameter :a, but a copy has no values for it"),
        ("CREATE TABLE x (a TEXT)", "the query returns no rows; write a SELECT"),
    ):
        with pytest.raises(ActionFailed) as raised:
            files.copy({"connection": "warehouse", "query": query}, to)
        assert raised.value.description == description


def test_sqlite_readers_see_the_rows_of_before_until_the_commit(files: Bench, tmp_path: Path) -> None:
    files.load("a\n1\n")
    reader = sqlite3.connect(tmp_path / "data.db")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (1,)
    files.load("a\n1\n2\n", mode="replace")
    assert reader.execute("SELECT count(*) FROM t").fetchone() == (2,)
    reader.close()


def test_a_rule_of_a_postgresql_table_is_told_with_its_lines(
    a_step: Builder, tmp_path: Path, postgresql: dict[str, Any]
) -> None:
    bench = Bench(a_step, tmp_path, postgresql)
    bench.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, u UUID, tags TEXT[], CHECK (id < 100))")
    uuid = "3f0e8a8e-0000-4000-8000-000000000001"
    bench.load(f'id,u,tags\n1,{uuid},"{{a,b}}"\n')
    assert bench.rows() == [{"id": 1, "u": uuid, "tags": ["a", "b"]}]
    for rows, code in (("1,,\n", "constraint"), ("500,,\n", "constraint"), ("2,no uuid,\n", "data")):
        with pytest.raises(ActionFailed) as raised:
            bench.load("id,u,tags\n" + rows)
        assert (raised.value.code, raised.value.retryable) == (code, False)
        assert raised.value.description.startswith("line 2: connection warehouse: ")
    assert bench.sql("SELECT count(*) AS n FROM t")["first"] == {"n": 1}


def test_a_postgresql_view_takes_rows_too(
    a_step: Builder, tmp_path: Path, postgresql: dict[str, Any]
) -> None:
    bench = Bench(a_step, tmp_path, postgresql)
    bench.sql("CREATE TABLE kept (a INTEGER); CREATE VIEW t AS SELECT * FROM kept")
    assert bench.load("a\n1\n2\n")["rows"] == 2
    assert bench.sql("SELECT sum(a) AS n FROM kept")["first"] == {"n": 3}
