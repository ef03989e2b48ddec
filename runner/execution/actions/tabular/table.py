"""Rows of a database: a table or query to read, a table to write in the step's one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.statements import Statement, Unfinished, split
from runner.execution.actions.tabular import cells
from runner.execution.actions.tabular.source import Batch
from runner.execution.actions.values import to_parameter
from runner.vocabulary.names import nearest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner.execution.actions.databases import Database

_READ_ROWS = 1000


class TableSource:
    """What a query returns, streamed from the server."""

    textual = False

    def __init__(self, database: Database, connection: Connection, query: str, name: str) -> None:
        from sqlalchemy import text

        self.name = name
        statement = only_statement(query, database.dialect, name)
        result = connection.execution_options(stream_results=True).execute(text(statement.text))
        if not result.returns_rows:
            raise ActionFailed("statement", f"{name} returns no rows; write a SELECT")
        self.columns = tuple(result.keys())
        self._pages = (Batch([tuple(row) for row in page], []) for page in result.partitions(_READ_ROWS))

    def kinds(self) -> list[str]:
        """From the first rows: a database's column has one kind."""
        first = next(self._pages, None)
        if first is None:
            return [cells.TEXT] * len(self.columns)
        self._pages = chain((first,), self._pages)  # type: ignore[assignment]
        found = cells.Kinds(len(self.columns), textual=False)
        found.see(first.rows)
        return found.kinds

    def batches(self) -> Iterator[Batch]:
        return iter(self._pages)


def only_statement(query: str, dialect: str, name: str) -> Statement:
    """The one statement of a query; it has no parameters."""
    try:
        statements = split(query, dialect)
    except Unfinished as problem:
        raise ActionFailed("statement", f"{name}: {problem}") from None
    if len(statements) != 1:
        raise ActionFailed("statement", f"{name} has {len(statements)} statements; one SELECT is needed")
    if statements[0].parameters:
        raise ActionFailed(
            "parameter-missing",
            f"{name} has the parameter :{statements[0].parameters[0]}, but a copy has no values for it",
        )
    return statements[0]


class TableTarget:
    """A table that rows are added to; made, with its columns' kinds, when it does not exist."""

    def __init__(self, database: Database, table: str, mode: str, key: Sequence[str]) -> None:
        self.name = f"table {table} in connection {database.name}"
        self.made = False
        self._database = database
        self._connection: Any = None
        self._table = table
        self._mode = mode
        self._key = tuple(key)
        self._kinds: dict[str, str] = {}
        self._keeps_empty: set[str] = set()

    def use(self, connection: Connection) -> None:
        """The connection, with its transaction, that everything below goes through."""
        self._connection = connection

    @property
    def exists(self) -> bool:
        return bool(self._inspector().has_table(*self._table_and_schema()))

    def make(self, columns: Sequence[str], kinds: Sequence[str]) -> None:
        """Create it; the columns of `key` are its primary key."""
        self.made = True
        quoted = self._database.quoted
        types = _NEW[self._database.dialect]
        parts = []
        for column, kind in zip(columns, kinds, strict=True):
            in_key = column in self._key
            # MariaDB indexes no text without a length.
            short = "VARCHAR(255)" if in_key and self._database.dialect == "mariadb" else None
            kind_type = short if short and types[kind] == "LONGTEXT" else types[kind]
            parts.append(f"{self._name(column)} {kind_type}{' NOT NULL' if in_key else ''}")
        if self._key:
            parts.append(f"PRIMARY KEY ({', '.join(map(self._name, self._key))})")
        self._execute(f"CREATE TABLE {quoted(self._table)} ({', '.join(parts)})")

    def prepare(self, columns: Sequence[str]) -> None:
        """Check the columns and the key, and empty the table when it is to be replaced."""
        reflected = {c["name"]: c for c in self._inspector().get_columns(*self._table_and_schema())}
        for column in columns:
            if column not in reflected:
                close = nearest(column, reflected)
                hint = f"did you mean {close!r}?" if close else f"it has {', '.join(reflected)}"
                raise ActionFailed("unknown-column", f"{self.name} has no column {column!r}; {hint}")
        for column in columns:
            kind = _kind(reflected[column]["type"], self._database.dialect)
            self._kinds[column] = kind
            if kind is cells.TEXT and not reflected[column]["nullable"]:
                self._keeps_empty.add(column)
        if self._mode == "upsert":
            self._check_key(columns)
        if self._mode == "replace" and not self.made:
            self._execute(f"DELETE FROM {self._database.quoted(self._table)}")  # noqa: S608 - quoted
        self._columns = tuple(columns)
        self._insert = self._statement(columns)
        self._copy = self._copy_statement(columns)

    def write(self, batch: Batch, *, textual: bool) -> None:
        """Insert a batch; ActionFailed names the line and column of a value that does not fit."""
        try:
            columns = [
                self._fitting(column, values, textual)
                for column, values in zip(self._columns, zip(*batch.rows, strict=True), strict=True)
            ]
        except ValueError:
            raise self._misfit(batch) from None
        for column in self._key:
            values = columns[self._columns.index(column)]
            if None in values:
                place = batch.place(values.index(None))
                raise ActionFailed("bad-value", f"{place}column {column} is empty, but it is in the key")
        rows = list(zip(*columns, strict=True))
        try:
            self._insert_all(rows)
        except Exception as error:
            orig = getattr(error, "orig", error)  # SQLAlchemy wraps the driver's error, COPY raises it bare
            if not hasattr(orig, "sqlstate") and orig is error:
                raise
            failed = self._database.failure_of(orig)
            failed.description = batch.extent + failed.description
            failed.args = (failed.description,)
            raise failed from None

    def _insert_all(self, rows: Sequence[Sequence[Any]]) -> None:
        if self._copy:
            from runner.execution.actions.tabular.postgresql_copy import copy_rows

            copy_rows(self._connection, self._copy, rows)
        else:
            self._connection.exec_driver_sql(self._insert, rows)

    def _copy_statement(self, columns: Sequence[str]) -> str:
        """COPY where it does the same as INSERT, else nothing."""
        if self._database.dialect != "postgresql" or self._mode == "upsert":
            return ""
        from runner.execution.actions.tabular.postgresql_copy import can_copy

        quoted = self._database.quoted(self._table).replace("%%", "%")
        names = ", ".join(self._name(column).replace("%%", "%") for column in columns)
        return f"COPY {quoted} ({names}) FROM STDIN" if can_copy(self._connection, quoted) else ""

    def _fitting(self, column: str, values: Sequence[Any], textual: bool) -> list[Any]:
        kind, dialect = self._kinds[column], self._database.dialect
        if kind is cells.TEXT and textual:
            empty = "" if column in self._keeps_empty else None
            return [empty if value is None else value for value in values]
        return [to_parameter(cells.convert(value, kind), dialect) for value in values]

    def _misfit(self, batch: Batch) -> ActionFailed:
        """The first value, line by line, that does not fit its column."""
        for number, row in enumerate(batch.rows):
            for column, value in zip(self._columns, row, strict=True):
                try:
                    cells.convert(value, self._kinds[column])
                except ValueError as problem:
                    return ActionFailed("bad-value", f"{batch.place(number)}column {column}: {problem}")
        raise AssertionError("every value fits, so nothing failed")

    @contextlib.contextmanager
    def unmade_on_failure(self) -> Iterator[None]:
        """Around the transaction: drops a new table again where DDL is not part of it (MariaDB)."""
        try:
            yield
        except BaseException:
            if self.made and self._database.dialect == "mariadb":
                with self._database.without_transaction() as connection:
                    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {self._database.quoted(self._table)}")
            raise

    def _check_key(self, columns: Sequence[str]) -> None:
        missing = [column for column in self._key if column not in columns]
        if missing or not self._key:
            raise ActionFailed("unknown-column", f"key: {', '.join(missing) or 'it is empty'} is not copied")
        inspector, place = self._inspector(), self._table_and_schema()
        unique = [inspector.get_pk_constraint(*place)["constrained_columns"]]
        unique += [c["column_names"] for c in inspector.get_unique_constraints(*place)]
        unique += [i["column_names"] for i in inspector.get_indexes(*place) if i["unique"]]
        if not any(set(found) == set(self._key) for found in unique if found):
            keys = ", ".join(self._key)
            raise ActionFailed(
                "key-not-unique",
                f"{self.name} has no primary key or unique index over ({keys}), so known rows cannot be "
                f"told; add one: CREATE UNIQUE INDEX … ON {self._table} ({keys})",
            )

    def _statement(self, columns: Sequence[str]) -> str:
        mark = "?" if self._database.dialect == "sqlite" else "%s"
        names = ", ".join(map(self._name, columns))
        marks = ", ".join(mark for _ in columns)
        table = self._name(self._table)
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - quoted names
        if self._mode != "upsert":
            return statement
        others = [self._name(column) for column in columns if column not in self._key]
        if self._database.dialect == "mariadb":
            first = self._name(self._key[0])
            changes = ", ".join(f"{c} = VALUES({c})" for c in others) or f"{first} = {first}"
            return f"{statement} ON DUPLICATE KEY UPDATE {changes}"
        key = ", ".join(map(self._name, self._key))
        changes = ", ".join(f"{c} = excluded.{c}" for c in others)
        return f"{statement} ON CONFLICT ({key}) DO " + (f"UPDATE SET {changes}" if changes else "NOTHING")

    def _name(self, name: str) -> str:
        """Quoted, for a statement in which the driver reads `%` as its own."""
        quoted = (
            self._database.quoted(name)
            if name == self._table
            else self._database.engine.dialect.identifier_preparer.quote_identifier(name)
        )
        return quoted if self._database.dialect == "sqlite" else quoted.replace("%%", "%").replace("%", "%%")

    def _execute(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)

    def _inspector(self) -> Any:
        from sqlalchemy import inspect

        return inspect(self._connection)

    def _table_and_schema(self) -> tuple[str, str | None]:
        schema, _, table = self._table.rpartition(".")
        return table, schema or None


_TEXT_TYPES = {"sqlite": "TEXT", "postgresql": "text", "mariadb": "LONGTEXT"}
_NEW: Mapping[str, Mapping[str, str]] = {
    dialect: {
        cells.INTEGER: "INTEGER" if dialect == "sqlite" else "BIGINT",
        cells.FLOAT: {"sqlite": "REAL", "postgresql": "DOUBLE PRECISION", "mariadb": "DOUBLE"}[dialect],
        cells.DECIMAL: "DECIMAL(38, 9)" if dialect == "mariadb" else "NUMERIC",
        cells.BOOLEAN: "BOOLEAN",
        cells.DATE: "DATE",
        cells.TIME: "TIME(6)" if dialect == "mariadb" else "TIME",
        cells.TIMESTAMP: "DATETIME(6)" if dialect == "mariadb" else "TIMESTAMP",
        cells.INSTANT: {"sqlite": "TIMESTAMP", "postgresql": "TIMESTAMPTZ", "mariadb": "DATETIME(6)"}[
            dialect
        ],
        cells.BYTES: {"sqlite": "BLOB", "postgresql": "BYTEA", "mariadb": "LONGBLOB"}[dialect],
        cells.JSON: {"sqlite": "TEXT", "postgresql": "JSONB", "mariadb": "JSON"}[dialect],
        cells.TEXT: _TEXT_TYPES[dialect],
    }
    for dialect in _TEXT_TYPES
}


def _kind(column_type: Any, dialect: str) -> str:
    """The kind of an existing column, from its reflected SQLAlchemy type."""
    from sqlalchemy import types

    if isinstance(column_type, types.Boolean) or str(column_type).upper() == "BOOLEAN":
        return cells.BOOLEAN
    if isinstance(column_type, types.Integer):
        return cells.FLAG if getattr(column_type, "display_width", None) == 1 else cells.INTEGER
    if isinstance(column_type, types.Float):
        return cells.FLOAT
    if isinstance(column_type, types.Numeric):
        return cells.DECIMAL
    if isinstance(column_type, types.DateTime):
        return cells.INSTANT if column_type.timezone else cells.TIMESTAMP
    for sql_type, kind in ((types.Date, cells.DATE), (types.Time, cells.TIME), (types.JSON, cells.JSON)):
        if isinstance(column_type, sql_type):
            return kind
    if isinstance(column_type, types._Binary):
        return cells.BYTES
    if isinstance(column_type, types.String):
        return cells.TEXT
    return cells.ANY  # uuid, inet, interval, …: the database reads the text itself
