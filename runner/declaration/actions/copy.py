"""Fields of `copy`: move rows between tables and files."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runner.declaration.texts import EntryName, Line, Model, ObjectName, Source


class CopyEnd(Model):
    """`{connection, table}`, `{connection, query}` or `{root, path}`."""

    connection: ObjectName | None = Field(default=None, description="Name of a Connection")
    table: Line | None = Field(default=None, description="Table, with its schema if need be")
    query: Source | None = Field(default=None, description="SELECT to read from; no ${{ }} in it")
    root: EntryName | None = Field(default=None, description="Name of a root of the Runner")
    path: Line | None = Field(default=None, description="File below the root; ${{ }} is fine")


class Copy(Model):
    """Streams rows. Outputs: `rows`, `bytes`."""

    from_: CopyEnd = Field(alias="from", description="Where rows are read")
    to: CopyEnd = Field(description="Where rows are written")
    format: Literal["csv", "jsonl", "parquet"] | None = Field(
        default=None, description="Of the file; default by its suffix"
    )
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="Between the values of a CSV file"
    )
    encoding: Line = Field(default="utf-8", description="Of a CSV or JSON lines file")
    mode: Literal["append", "replace", "upsert"] = Field(
        default="append", description="What happens to rows that are in the table; a file is always replaced"
    )
    key: tuple[Line, ...] = Field(default=(), description="Columns that identify a row; needed for upsert")
    columns: dict[Line, Line] | tuple[Line, ...] | None = Field(
        default=None,
        description="Columns to copy: a list, or a mapping from name there to name here; default all",
    )
