"""Runs the statements of a text or file in one transaction: all of them, or none.

Values reach the database only as bind parameters (`:name`); a list value fills `IN :name`. The outputs
are about the last statement: `rows` it returned or changed, and the `first` row it returned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.execution.actions.databases import Database, opened
from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.statements import Statement, Unfinished, split
from runner.execution.actions.values import to_json, to_parameter

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner.execution.child.context import StepContext

FIRST_LIMIT = 64 * 1024
"""Bytes of JSON of the first row; outputs are kept in the database of the runner."""

_READS = {"SELECT", "VALUES", "EXPLAIN", "SHOW", "DESCRIBE", "TABLE"}
_WRITES = {"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "CREATE", "DROP", "ALTER"}
_TRANSACTION = {"BEGIN", "COMMIT", "ROLLBACK", "START", "END", "ABORT"}
_ALONE = {("VACUUM",), ("CREATE", "DATABASE"), ("DROP", "DATABASE"), ("ALTER", "SYSTEM")}


class _Script(NamedTuple):
    what: str
    statements: Sequence[Statement]
    values: Mapping[str, Any]


def perform(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """Run them; on any failure nothing is changed, as far as the database's own DDL allows."""
    file = action.get("file")
    sql = Path(step.files[file]).read_text("utf-8-sig") if file else str(action["statement"])
    what = str(file or "the statement")
    with opened(action["connection"], step) as database:
        statements = _statements(sql, what, database.dialect)
        values = _values(action.get("with") or {}, statements, what, step)
        bound = {name: to_parameter(value, database.dialect) for name, value in values.items()}
        script = _Script(what, statements, bound)
        if len(statements) == 1 and _runs_alone(statements[0]):
            with database.without_transaction() as connection:
                return _run_all(connection, script, database, step)
        writes = any(_may_write(statement) for statement in statements)
        with database.transaction(writes=writes) as connection:
            return _run_all(connection, script, database, step)


def _statements(sql: str, what: str, dialect: str) -> Sequence[Statement]:
    try:
        statements = split(sql, dialect)
    except Unfinished as problem:
        raise ActionFailed("statement", f"{what}: {problem}") from None
    if not statements:
        raise ActionFailed("statement", f"{what} holds no SQL statement")
    for statement in statements:
        if statement.words[:1] and statement.words[0] in _TRANSACTION:
            raise ActionFailed(
                "transaction-in-statement",
                f"{what}, line {statement.line}: {statement.words[0]} is not needed; the step has its own "
                "transaction, which commits when every statement succeeded",
            )
    return statements


def _runs_alone(statement: Statement) -> bool:
    words = statement.words
    return (
        words[:1] in _ALONE or words[:2] in _ALONE or (words[:1] == ("CREATE",) and "CONCURRENTLY" in words)
    )


def _may_write(statement: Statement) -> bool:
    words = statement.words
    return not words or words[0] not in (_READS | {"WITH"}) or bool(_WRITES & set(words))


def _values(
    declared: Mapping[str, Any], statements: Sequence[Statement], what: str, step: StepContext
) -> dict[str, Any]:
    asked: dict[str, int] = {}
    for statement in statements:
        for name in statement.parameters:
            asked.setdefault(name, statement.line)
    missing = [f":{name} (line {line})" for name, line in asked.items() if name not in declared]
    if missing:
        raise ActionFailed(
            "parameter-missing",
            f"{what} has {', '.join(missing)}, but the step's with has no value of that name",
        )
    unused = sorted(set(declared) - set(asked))
    if unused:
        step.warn(f"{what} has no parameter :{', :'.join(unused)}, which the step's with names")
    return {name: declared[name] for name in asked}


def _run_all(
    connection: Connection, script: _Script, database: Database, step: StepContext
) -> dict[str, Any]:
    outputs: dict[str, Any] = {"rows": 0, "first": None}
    for statement in script.statements:
        last = statement is script.statements[-1]
        try:
            outputs = _run(connection, statement, script.values, step if last else None)
        except Exception as error:
            orig = getattr(error, "orig", None)
            if orig is None:
                raise
            failed = database.failure_of(orig)
            text = _without_values(failed.description, script.values)
            if len(script.statements) > 1:
                text = f"{script.what}, statement at line {statement.line}: {text}"
            failed.description, failed.args = text, (text,)
            raise failed from None
    return outputs


def _without_values(text: str, values: Mapping[str, Any]) -> str:
    """PyMySQL writes the values into what it sends, so the server repeats them in its message."""
    for name, value in values.items():
        if isinstance(value, str) and len(value) > 3:
            text = text.replace(value, f":{name}")
    return text


def _run(
    connection: Connection, statement: Statement, values: Mapping[str, Any], step: StepContext | None
) -> dict[str, Any]:
    from sqlalchemy import bindparam, text

    prepared = text(statement.text)
    given = {name: values[name] for name in statement.parameters}
    for name, value in given.items():
        if isinstance(value, list):
            prepared = prepared.bindparams(bindparam(name, expanding=True))
    # Server-side cursors keep a large result out of memory; they exist only for plain queries.
    streams = statement.words[:1] == ("SELECT",) and "INTO" not in statement.words
    result = connection.execution_options(stream_results=streams).execute(prepared, given)
    if not result.returns_rows:
        return {"rows": max(result.rowcount, 0), "first": None}
    first, rows = None, 0
    for page in result.mappings().partitions(1000):
        if first is None and page:
            first = {str(key): to_json(value) for key, value in page[0].items()}
        rows += len(page)
    if first is not None and step is not None and len(json.dumps(first)) > FIRST_LIMIT:
        step.warn(f"the first row is larger than {FIRST_LIMIT // 1024} KiB, so it is no output")
        first = None
    return {"rows": rows, "first": first}
