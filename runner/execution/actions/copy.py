"""Streams rows from a file, a table or a query to a file or a table, all of them or none.

A file takes its name only when it is whole and on disk. A table is written in one transaction. Memory does
not grow with the number of rows.
"""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.roots import reading, replacing, root_named
from runner.execution.actions.tabular import cells
from runner.execution.actions.tabular.source import Batch, Source
from runner.vocabulary.names import nearest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner.execution.actions.databases import Database
    from runner.execution.actions.tabular.csv_file import CsvWriter
    from runner.execution.actions.tabular.jsonl_file import JsonLinesWriter
    from runner.execution.actions.tabular.parquet_file import ParquetWriter
    from runner.execution.child.context import StepContext

_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


class _Mapping(NamedTuple):
    """Which columns are taken, by position, and what they are called at the target."""

    indexes: tuple[int, ...]
    names: tuple[str, ...]


class _Copy(NamedTuple):
    """What is copied; `check` is asked when every row was read, before anything is final."""

    source: Source
    mapping: _Mapping
    size: int
    check: Callable[[], None]
    shared: tuple[Database, Connection] | None = None
    """Where the target is the very SQLite file that is read: a second connection would wait for the first."""


def perform(action: Mapping[str, Any], step: StepContext) -> dict[str, Any]:
    """Copy; outputs are the number of `rows`, and the `bytes` of the file that was written or read."""
    target = action["to"]
    if target.get("query"):
        raise ActionFailed("bad-copy", "a query is only read from; give `to` a table or a file")
    with contextlib.ExitStack() as opened:
        copy = _opened(action, step, opened)
        if target.get("path"):
            rows, size = _to_file(copy, action, step)
        else:
            rows, size = _to_table(copy, action, step), copy.size
    step.log(f"copied {rows} rows")
    return {"rows": rows, "bytes": size}


def _opened(action: Mapping[str, Any], step: StepContext, opened: contextlib.ExitStack) -> _Copy:
    origin = action["from"]
    if not origin.get("path"):
        return _opened_database(action, step, opened)
    path = str(origin["path"])
    found = opened.enter_context(reading(root_named(step.roots, origin["root"]), path))
    source = _file_source(found.file, path, action, step)
    return _Copy(source, _mapped(action.get("columns"), source), found.size, found.check_unchanged)


def _file_source(file: BinaryIO, path: str, action: Mapping[str, Any], step: StepContext) -> Source:
    format_ = _format(action, action["from"], "from")
    if format_ == "parquet":
        from runner.execution.actions.tabular.parquet_file import ParquetSource

        return ParquetSource(file, name=path, workdir=step.workdir)
    encoding = action.get("encoding") or "utf-8"
    if format_ == "jsonl":
        from runner.execution.actions.tabular.jsonl_file import JsonLinesSource

        return JsonLinesSource(file, name=path, encoding=encoding)
    from runner.execution.actions.tabular.csv_file import CsvSource

    return CsvSource(file, name=path, delimiter=action.get("delimiter") or ",", encoding=encoding)


def _opened_database(action: Mapping[str, Any], step: StepContext, opened: contextlib.ExitStack) -> _Copy:
    from runner.execution.actions.databases import opened as opened_database
    from runner.execution.actions.tabular.table import TableSource, only_statement

    origin, target = action["from"], action["to"]
    database = opened.enter_context(opened_database(origin["connection"], step))
    name = "the query" if origin.get("query") else f"table {origin['table']}"
    query = origin.get("query") or f"SELECT * FROM {database.quoted(str(origin['table']))}"  # noqa: S608
    url = step.connections.get(target.get("connection") or "", {}).get("url")
    same = database.dialect == "sqlite" and url == step.connections[origin["connection"]]["url"]
    connection = opened.enter_context(database.transaction(writes=same))
    if same:
        statement = only_statement(query, database.dialect, name)
        connection.exec_driver_sql(f"CREATE TEMP TABLE runner_copy AS {statement.text}")
        query = "SELECT * FROM temp.runner_copy"
    source = TableSource(database, connection, query, name)
    mapping = _mapped(action.get("columns"), source)
    return _Copy(source, mapping, 0, lambda: None, (database, connection) if same else None)


def _mapped(declared: Any, source: Source) -> _Mapping:
    """`columns` as a list takes these; as a mapping it also names them anew; omitted takes all."""
    if not declared:
        return _Mapping(tuple(range(len(source.columns))), source.columns)
    pairs = declared.items() if isinstance(declared, Mapping) else [(name, name) for name in declared]
    indexes, names = [], []
    for there, here in pairs:
        if there not in source.columns:
            close = nearest(there, source.columns)
            hint = f"did you mean {close!r}?" if close else f"it has {', '.join(source.columns)}"
            raise ActionFailed("unknown-column", f"{source.name} has no column {there!r}; {hint}")
        indexes.append(source.columns.index(there))
        names.append(str(here))
    return _Mapping(tuple(indexes), tuple(names))


def _batches(copy: _Copy) -> Iterator[Batch]:
    """The rows with the taken columns only; after the last one the input is still the same file."""
    indexes = copy.mapping.indexes
    everything = indexes == tuple(range(len(copy.source.columns)))
    for batch in copy.source.batches():
        yield batch if everything else Batch([[row[i] for i in indexes] for row in batch.rows], batch.lines)
    copy.check()


def _to_file(copy: _Copy, action: Mapping[str, Any], step: StepContext) -> tuple[int, int]:
    target = action["to"]
    path, format_ = str(target["path"]), _format(action, target, "to")
    rows = 0
    with replacing(root_named(step.roots, target["root"], write=True), path) as file:
        packed = path.endswith(".gz") and format_ != "parquet"
        # mtime 0: the same rows are the same bytes.
        into = cast("BinaryIO", gzip.GzipFile("", "wb", fileobj=file, mtime=0)) if packed else file
        # A text from a CSV file becomes a number in JSON only when its whole column is numbers.
        kinds = _kinds(copy) if copy.source.textual and format_ == "jsonl" else None
        writer = _writer(into, format_, copy, action, step)
        for batch in _batches(copy):
            writer.write(batch.rows if kinds is None else _typed(batch.rows, kinds))
            rows += len(batch.rows)
        writer.close()
        if packed:
            into.close()
        size = file.seek(0, 2)
    return rows, size


def _writer(
    file: BinaryIO, format_: str, copy: _Copy, action: Mapping[str, Any], step: StepContext
) -> CsvWriter | JsonLinesWriter | ParquetWriter:
    encoding = action.get("encoding") or "utf-8"
    names, source = copy.mapping.names, copy.source
    if format_ == "parquet":
        from runner.execution.actions.tabular.parquet_file import ParquetWriter

        return ParquetWriter(file, names, textual=source.textual, name=source.name, workdir=step.workdir)
    if format_ == "jsonl":
        from runner.execution.actions.tabular.jsonl_file import JsonLinesWriter

        return JsonLinesWriter(file, names, encoding=encoding)
    from runner.execution.actions.tabular.csv_file import CsvWriter

    return CsvWriter(file, names, delimiter=action.get("delimiter") or ",", encoding=encoding)


def _typed(rows: Sequence[Sequence[Any]], kinds: Sequence[str]) -> list[list[Any]]:
    numbers = {cells.INTEGER, cells.FLOAT, cells.BOOLEAN}
    return [
        [cells.convert(v, kind) if kind in numbers else v for v, kind in zip(row, kinds, strict=True)]
        for row in rows
    ]


def _to_table(copy: _Copy, action: Mapping[str, Any], step: StepContext) -> int:
    from runner.execution.actions.databases import opened
    from runner.execution.actions.tabular.table import TableTarget

    target = action["to"]
    mode = action.get("mode") or "append"
    key = tuple(action.get("key") or ()) if mode == "upsert" else ()
    rows = 0
    with contextlib.ExitStack() as ends:
        if copy.shared:
            database, connection = copy.shared
        else:
            database = ends.enter_context(opened(target["connection"], step))
        table = TableTarget(database, str(target["table"]), mode, key)
        ends.enter_context(table.unmade_on_failure())
        if not copy.shared:
            connection = ends.enter_context(database.transaction())
        table.use(connection)
        if not table.exists:
            step.log(f"{table.name} does not exist yet; it is made from the columns of {copy.source.name}")
            table.make(copy.mapping.names, _kinds(copy))
        table.prepare(copy.mapping.names)
        for batch in _batches(copy):
            table.write(batch, textual=copy.source.textual)
            rows += len(batch.rows)
    return rows


def _kinds(copy: _Copy) -> list[str]:
    kinds = copy.source.kinds()
    return [kinds[index] for index in copy.mapping.indexes]


def _format(action: Mapping[str, Any], end: Mapping[str, Any], side: str) -> str:
    """By the file's suffix when both ends are files, else as declared, else by the suffix."""
    path = PurePosixPath(str(end["path"]).removesuffix(".gz"))
    by_suffix = _SUFFIXES.get(path.suffix.lower())
    declared = action.get("format")
    both_files = action["from"].get("path") and action["to"].get("path")
    found = (by_suffix or declared) if both_files else (declared or by_suffix)
    if not found:
        raise ActionFailed(
            "unknown-format",
            f"{side}: the suffix of {end['path']} names no format; declare format: csv, jsonl or parquet",
        )
    return str(found)
