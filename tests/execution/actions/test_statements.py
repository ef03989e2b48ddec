"""SQL text is split by the database's own rules, and only real parameters are parameters."""

from __future__ import annotations

import pytest

from runner.execution.actions.statements import Unfinished, split

ALL = ("sqlite", "postgresql", "mariadb")


@pytest.mark.parametrize("dialect", ALL)
def test_semicolons_end_statements_except_in_text_and_comments(dialect: str) -> None:
    sql = "-- a; :b\nSELECT ';', 'it''s; :x' /* ; :y */ FROM t;\n\nDELETE FROM t WHERE a = :a;;\n"
    found = split(sql, dialect)
    assert [(s.line, s.parameters) for s in found] == [(2, ()), (4, ("a",))]
    assert found[1].text == "DELETE FROM t WHERE a = :a"


@pytest.mark.parametrize("dialect", ALL)
def test_colons_in_text_are_no_parameters_for_sqlalchemy_either(dialect: str) -> None:
    from sqlalchemy import text

    (statement,) = split("SELECT ' :no', :yes, '12:30' -- :no", dialect)
    prepared = text(statement.text)
    assert list(prepared._bindparams) == ["yes"]
    assert "' :no'" in str(prepared.compile()) and "-- :no" in str(prepared.compile())


@pytest.mark.parametrize(
    ("dialect", "sql", "count", "parameters"),
    [
        ("postgresql", "SELECT $$a;:b$$, $x$ $$;:c $x$, :d::int; SELECT 1", 2, ("d",)),
        ("postgresql", r"SELECT E'\';:a', '\'; SELECT :b", 2, ()),
        ("postgresql", "/* outer /* ; */ :a ; */ SELECT :b", 1, ("b",)),
        ("postgresql", 'SELECT "a;:b" FROM t', 1, ()),
        ("postgresql", "SELECT a[1:2], a[:n], b$1 FROM t", 1, ("n",)),
        ("postgresql", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", 1, ()),
        ("mariadb", r"SELECT '\';:a', " "';' # ;:b", 1, ()),
        ("mariadb", 'SELECT ";:a", `;:b`; SELECT 5--1;', 2, ()),
        ("mariadb", "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END", 1, ()),
        ("mariadb", "CREATE FUNCTION f() RETURNS INT RETURN 1; SELECT f()", 2, ()),
        ("sqlite", "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END; SELECT :a", 2, ()),
        ("sqlite", 'SELECT [a;:b], `c;:d`, "e;:f" FROM t', 1, ()),
    ],
)
def test_each_database_has_its_own_text(
    dialect: str, sql: str, count: int, parameters: tuple[str, ...]
) -> None:
    found = split(sql, dialect)
    assert len(found) == count
    assert found[0].parameters == parameters


@pytest.mark.parametrize(
    ("dialect", "sql", "message"),
    [
        ("sqlite", "SELECT 1;\nSELECT 'abc", 'line 2: what begins with "\'abc" has no end'),
        ("postgresql", "SELECT $a$ b", "line 1: what begins with '$a$ b' has no end"),
        ("postgresql", "/* /* */ SELECT 1", "line 1: what begins with '/* /* */ SELECT 1' has no end"),
        ("mariadb", "SELECT `a", "line 1: what begins with '`a' has no end"),
    ],
)
def test_text_without_an_end_is_named_by_its_line(dialect: str, sql: str, message: str) -> None:
    with pytest.raises(Unfinished) as raised:
        split(sql, dialect)
    assert str(raised.value) == message


@pytest.mark.parametrize("dialect", ALL)
def test_hostile_text_is_split_in_linear_time(dialect: str) -> None:
    assert len(split("SELECT '" + "''" * 200_000 + "';" * 1, dialect)) == 1
    assert len(split("SELECT 1;" * 2_000, dialect)) == 2_000


def test_no_statement_is_no_statement() -> None:
    assert split(" ;; -- nothing\n/* at all */", "sqlite") == ()
