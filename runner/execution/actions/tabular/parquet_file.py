"""Parquet files, read and written by DuckDB in bounded memory.

Files are handed over as descriptors, so that no path is looked up again. Rows to be written wait in a CSV
file in the step's own folder, because a column's kind is known only when its last row is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from runner.execution.actions.failure import ActionFailed
from runner.execution.actions.tabular import cells
from runner.execution.actions.tabular.lines import incomplete, invalid
from runner.execution.actions.tabular.source import BATCH_ROWS, Batch

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "96MB"
"""Of DuckDB; beyond it the step's folder is used."""

_MAGIC = b"PAR1"

_GROUP_BYTES = 16 * 1024 * 1024
"""Of text in one row group, which is collected in memory."""

_TYPES = {
    cells.INTEGER: "BIGINT",
    cells.FLOAT: "DOUBLE",
    cells.BOOLEAN: "BOOLEAN",
    cells.DATE: "DATE",
    cells.TIME: "TIME",
    cells.TIMESTAMP: "TIMESTAMP",
    cells.INSTANT: "TIMESTAMPTZ",
}
_KINDS = {
    "TINYINT": cells.INTEGER,
    "SMALLINT": cells.INTEGER,
    "INTEGER": cells.INTEGER,
    "BIGINT": cells.INTEGER,
    "UTINYINT": cells.INTEGER,
    "USMALLINT": cells.INTEGER,
    "UINTEGER": cells.INTEGER,
    "UBIGINT": cells.DECIMAL,
    "HUGEINT": cells.DECIMAL,
    "FLOAT": cells.FLOAT,
    "DOUBLE": cells.FLOAT,
    "BOOLEAN": cells.BOOLEAN,
    "DATE": cells.DATE,
    "TIME": cells.TIME,
    "TIMESTAMP": cells.TIMESTAMP,
    "TIMESTAMP_S": cells.TIMESTAMP,
    "TIMESTAMP_MS": cells.TIMESTAMP,
    "TIMESTAMP_NS": cells.TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": cells.INSTANT,
    "BLOB": cells.BYTES,
    "JSON": cells.JSON,
}


class ParquetSource:
    """The rows of a Parquet file."""

    textual = False

    def __init__(self, file: BinaryIO, *, name: str, workdir: str) -> None:
        _check_ends(file, name)
        self.name = name
        self._duckdb = connected(workdir)
        self._from = f"FROM read_parquet('/proc/self/fd/{file.fileno()}')"
        with _told(name):
            described = self._duckdb.execute(f"DESCRIBE SELECT * {self._from}").fetchall()
        self.columns = tuple(str(row[0]) for row in described)
        self._kinds = [_kind(str(row[1])) for row in described]

    def kinds(self) -> list[str]:
        return self._kinds

    def batches(self) -> Iterator[Batch]:
        with _told(self.name):
            result = self._duckdb.execute(f"SELECT * {self._from}")
            while rows := result.fetchmany(BATCH_ROWS):
                yield Batch(rows, [])


class ParquetWriter:
    """Collects rows, and makes them a Parquet file at the end."""

    def __init__(
        self, file: BinaryIO, columns: Sequence[str], *, textual: bool, name: str, workdir: str
    ) -> None:
        self._file = file
        self._columns = columns
        self._name = name
        self._workdir = workdir
        self._kinds = cells.Kinds(len(columns), textual=textual)
        self._rows = self._size = self._longest = 0
        self._spool = tempfile.TemporaryFile(buffering=1 << 18, dir=workdir)  # noqa: SIM115

    def _layout(self) -> str:
        """How DuckDB reads the spool; its buffer holds the longest line twice, and no more."""
        line = max(self._longest + 64, 2**20)
        return (
            "header=false, auto_detect=false, delim=',', quote='\"', escape='\"', nullstr='', "
            f"allow_quoted_nulls=false, max_line_size={line}, buffer_size={2 * line}"
        )

    def _groups(self) -> str:
        average = max(self._size // max(self._rows, 1), 1)
        rows = min(max(_GROUP_BYTES // average, 2048), 122_880)
        return f"FORMAT parquet, USE_TMP_FILE false, ROW_GROUP_SIZE {rows}"

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        rows = list(rows)
        self._kinds.see(rows)
        lines = [(",".join(map(_spooled, row)) + "\n").encode() for row in rows]
        self._rows += len(rows)
        self._size += sum(map(len, lines))
        self._longest = max(self._longest, *map(len, lines), 0)
        self._spool.writelines(lines)

    def close(self) -> None:
        """Convert what was collected; the file is complete afterwards."""
        self._spool.flush()
        names = [f"c{i}" for i in range(len(self._columns))]
        selected = ", ".join(
            f"{_expression(name, kind)} AS {_quoted(column)}"
            for name, kind, column in zip(names, self._kinds.kinds, self._columns, strict=True)
        )
        declared = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
        rows = f"read_csv('/proc/self/fd/{self._spool.fileno()}', columns={declared}, {self._layout()})"
        target = f"/proc/self/fd/{self._file.fileno()}"
        duckdb = connected(self._workdir)
        with _told(self._name):
            duckdb.execute(f"COPY (SELECT {selected} FROM {rows}) TO '{target}' ({self._groups()})")  # noqa: S608 - quoted
        duckdb.close()
        self._spool.close()


def connected(workdir: str) -> DuckDBPyConnection:
    """DuckDB in memory, bounded, and without a way to the network for extensions."""
    try:
        import duckdb
    except ImportError:
        raise ActionFailed("driver-missing", "Parquet needs DuckDB; run: pip install duckdb") from None
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": MEMORY,
            "threads": "1",
            "temp_directory": os.path.join(workdir, ".duckdb"),  # noqa: PTH118
            "preserve_insertion_order": "true",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )


class _told:
    """A DuckDB error becomes a sentence that names the file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if kind is not None and kind.__module__.endswith("duckdb"):
            text = str(error).split("\n")[0][:300]
            if kind.__name__ == "OutOfMemoryException":
                raise ActionFailed("memory", f"{self._name}: a row group does not fit: {text}") from None
            raise invalid(self._name, text) from None


def _check_ends(file: BinaryIO, name: str) -> None:
    """A Parquet file begins and ends with four fixed bytes; its footer is written last."""
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    if file.read(4) != _MAGIC and size:
        raise invalid(name, "it is not a Parquet file")
    file.seek(max(size - 4, 0))
    if size < 12 or file.read(4) != _MAGIC:
        raise incomplete(name, "its footer is missing")


def _kind(duckdb_type: str) -> str:
    if duckdb_type.startswith("DECIMAL"):
        return cells.DECIMAL
    if duckdb_type.startswith(("STRUCT", "MAP", "LIST")) or duckdb_type.endswith("]"):
        return cells.JSON
    return _KINDS.get(duckdb_type, cells.TEXT)


def _spooled(value: Any) -> str:
    """Always quoted, so that only null is an unquoted nothing."""
    return "" if value is None else '"' + cells.to_text(value).replace('"', '""') + '"'


def _expression(name: str, kind: str | None) -> str:
    if kind is cells.BYTES:
        return f"from_base64({name})"
    if kind is cells.DECIMAL:
        return f"CAST({name} AS DECIMAL(38, 9))"
    return f"CAST({name} AS {_TYPES.get(kind or '', 'VARCHAR')})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
