"""JSON lines files: one object per line; its keys are the columns, in the order in which they first come."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NoReturn

from runner.execution.actions.tabular.cells import TEXT, joined, kind_of_value
from runner.execution.actions.tabular.lines import Lines, incomplete, invalid
from runner.execution.actions.tabular.source import Batch, batched
from runner.execution.actions.values import to_json

COLUMN_LIMIT = 2000
"""Different keys of one file; more are data in the place of names."""


class JsonLinesSource:
    """The objects of the file as rows; a key that an object lacks is null."""

    textual = False

    def __init__(self, file: BinaryIO, *, name: str, encoding: str) -> None:
        self.name = name
        self._file = file
        self._encoding = encoding
        kinds: dict[str, str | None] = {}
        for line, record, _ in self._records():
            for key, value in record.items():
                if value is not None:
                    kinds[key] = joined(kinds.get(key), kind_of_value(value))
                else:
                    kinds.setdefault(key, None)
            if len(kinds) > COLUMN_LIMIT:
                raise invalid(name, f"line {line}: more than {COLUMN_LIMIT} different keys")
        self.columns = tuple(kinds)
        self._kinds = [kind or TEXT for kind in kinds.values()]

    def kinds(self) -> list[str]:
        return self._kinds

    def batches(self) -> Iterator[Batch]:
        columns = self.columns
        return batched(
            (line, [record.get(column) for column in columns], size) for line, record, size in self._records()
        )

    def _records(self) -> Iterator[tuple[int, dict[str, Any], int]]:
        lines = Lines(self._file, encoding=self._encoding, name=self.name)
        for line in lines:
            if line.isspace():
                continue
            try:
                record = json.loads(line, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                if not lines.ended and isinstance(error, json.JSONDecodeError):
                    raise incomplete(
                        self.name, f"its last line {lines.number} is no whole JSON object"
                    ) from None
                raise invalid(self.name, f"line {lines.number} is not JSON ({str(error)[:80]})") from None
            if not isinstance(record, dict):
                raise invalid(self.name, f"line {lines.number} is no JSON object")
            yield lines.number, record, len(line)


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")


class JsonLinesWriter:
    """Writes one object per row."""

    def __init__(self, file: BinaryIO, columns: Sequence[str], *, encoding: str) -> None:
        self._file = file
        self._columns = columns
        self._encoding = encoding

    def write(self, rows: Iterable[Sequence[Any]]) -> None:
        columns = self._columns
        text = "".join(
            json.dumps(
                {column: to_json(value) for column, value in zip(columns, row, strict=True)},
                ensure_ascii=False,
            )
            + "\n"
            for row in rows
        )
        self._file.write(text.encode(self._encoding))

    def close(self) -> None:
        """Nothing is left to write."""
