"""CSV files with a header line (RFC 4180). An empty value is null; an empty text is written as `""`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from runner.execution.actions.tabular.cells import Kinds, to_text
from runner.execution.actions.tabular.lines import LINE_LIMIT, Lines, incomplete, invalid
from runner.execution.actions.tabular.source import Batch, batched


class CsvSource:
    """The rows of a CSV file as texts."""

    textual = True

    def __init__(self, file: BinaryIO, *, name: str, delimiter: str, encoding: str) -> None:
        csv.field_size_limit(LINE_LIMIT)
        self.name = name
        self._file = file
        self._delimiter = delimiter
        self._encoding = encoding
        header = next(self._records(), None)
        if header is None:
            raise incomplete(name, "it is empty, without even the line of column names")
        self.columns = tuple(column.strip() for column in header[1])
        _check_names(self.columns, name)

    def kinds(self) -> list[str]:
        found = Kinds(len(self.columns), textual=True)
        for batch in self.batches():
            found.see(batch.rows)
        return found.kinds

    def batches(self) -> Iterator[Batch]:
        return batched(self._rows())

    def _rows(self) -> Iterator[tuple[int, Sequence[Any], int]]:
        records = self._records()
        next(records)
        for line, record in records:
            yield line, [value or None for value in record], sum(map(len, record))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """(line where it begins, its values), blank lines left out."""
        lines = Lines(self._file, encoding=self._encoding, name=self.name)
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        width = 0
        while True:
            begin = lines.number + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                raise self._broken(begin, str(error)) from None
            if record is None:
                return
            if not record:
                continue
            if len(record) != width and width:
                raise self._uneven(begin, record, width, lines, reader)
            width = len(record)
            yield begin, record

    def _broken(self, line: int, error: str) -> Exception:
        if "unexpected end of data" in error:
            return incomplete(self.name, f"the quoted text that begins in line {line} has no end")
        return invalid(self.name, f"line {line}: {error}")

    def _uneven(
        self, line: int, record: list[str], width: int, lines: Lines, reader: Iterator[list[str]]
    ) -> Exception:
        counted = f"line {line} has {len(record)} values, the header {width}"
        try:
            is_last = next(reader, None) is None
        except csv.Error:
            is_last = False
        if is_last and not lines.ended and len(record) < width:
            return incomplete(self.name, f"its last {counted}")
        hint = "; is the delimiter right?" if len(record) == 1 or width == 1 else ""
        return invalid(self.name, counted + hint)


def _check_names(columns: tuple[str, ...], name: str) -> None:
    if "" in columns:
        raise invalid(name, f"column {columns.index('') + 1} has no name in the header")
    twice = [column for column in dict.fromkeys(columns) if columns.count(column) > 1]
    if twice:
        raise invalid(name, f"the header has the column {twice[0]!r} more than once")


class CsvWriter:
    """Writes the header at once, then rows."""

    def __init__(self, file: BinaryIO, columns: Sequence[str], *, delimiter: str, encoding: str) -> None:
        self._file = file
        self._delimiter = delimiter
        self._encoding = encoding
        self._special = {delimiter, '"', "\n", "\r"}
        self.write([columns])

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        text = "".join(self._delimiter.join(map(self._cell, row)) + "\n" for row in rows)
        self._file.write(text.encode(self._encoding))

    def close(self) -> None:
        """Nothing is left to write."""

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        text = to_text(value)
        if not text or not self._special.isdisjoint(text) or text[0] == " " or text[-1] == " ":
            return '"' + text.replace('"', '""') + '"'
        return text
