"""Which targets does an inventory's file hold, and what is wrong with it?

CSV with a header, JSON or YAML: a map of targets by name, or a list of maps that name theirs in a field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from runner.declaration.problem import Problem, listed, quoted
from runner.declaration.targets import MOST_TARGETS, NAME, Wrong, too_large, wrong_name, wrong_value
from runner.loading import limits, text
from runner.vocabulary.names import nearest

ENOUGH = 20
"""Problems of one file: more cannot be read, and they stand in one place of the declaration."""

Targets = dict[str, dict[str, Any]]


class InventoryProblem(NamedTuple):
    """What is wrong, with the line of the file where that is known (else 0)."""

    line: int
    wrong: Wrong


class InventoryRead(NamedTuple):
    """The targets by name, in the order of the file; not to be used when there are problems."""

    targets: Targets
    problems: list[InventoryProblem]


Row = tuple[int, Any, Mapping[Any, Any] | Wrong]
"""Line, name and values of what may be a target, or why they cannot be told apart."""


class _Unreadable(Exception):
    def __init__(self, line: int, rule: str, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.problem = InventoryProblem(line, Wrong(rule, detail, hint))


def read_inventory(raw: bytes, form: str, *, name_column: str = NAME, delimiter: str = ",") -> InventoryRead:
    """The targets of a file, or what is wrong with it. Raises nothing, whatever the bytes are."""
    unreadable = text.problem_of(raw.removeprefix(b"\xef\xbb\xbf") if form == "csv" else raw, "")
    if unreadable is not None:
        wrong = Wrong(unreadable.rule, unreadable.detail, unreadable.hint)
        return InventoryRead({}, [InventoryProblem(unreadable.line, wrong)])
    targets: Targets = {}
    lines: dict[str, int] = {}
    problems: list[InventoryProblem] = []
    try:
        rows = _csv(raw, name_column, delimiter) if form == "csv" else _maps(raw, form, name_column)
        for line, name, values in rows:
            if len(targets) >= MOST_TARGETS:
                raise _Unreadable(line, "too-many-targets", f"more than {MOST_TARGETS} targets")
            wrongs = list(_wrong(name, values, from_csv=form == "csv"))
            if not wrongs and name in targets:
                before = f" first in line {lines[name]}," if lines[name] else ""
                hint = "a target stands once; take one of them out"
                wrongs = [Wrong("duplicate-target", f"{quoted(name)} stands twice,{before} and here", hint)]
            problems += [InventoryProblem(line, wrong) for wrong in wrongs]
            if len(problems) >= ENOUGH:
                break
            if not wrongs and not isinstance(values, Wrong):
                targets[name] = dict(values)
                lines[name] = line
    except _Unreadable as unreadable_row:
        problems.append(unreadable_row.problem)
    return InventoryRead(targets, problems[:ENOUGH])


def problems_of_inventory(raw: bytes, path: str, reads: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with an inventory's file, as problems of the field that names it.

    `reads` are its `format`, `nameColumn` and `delimiter` as declared; what is left out has its default.
    """
    if reads.get("format") not in ("csv", "json", "yaml") or len(reads.get("delimiter", ",")) != 1:
        return []  # told for the document by itself
    read = read_inventory(
        raw, reads["format"], name_column=reads.get("nameColumn", NAME), delimiter=reads.get("delimiter", ",")
    )
    return [_problem(path, *each) for each in read.problems]


def _problem(path: str, line: int, wrong: Wrong) -> Problem:
    place = f"'{path}' line {line}" if line else f"'{path}'"
    summary = wrong.rule.replace("-", " ").capitalize()
    return Problem((), wrong.rule, summary, f"{place}: {wrong.detail}", wrong.hint)


def _wrong(name: Any, values: Mapping[Any, Any] | Wrong, *, from_csv: bool) -> Iterator[Wrong]:
    if isinstance(values, Wrong):
        yield values
        return
    if (wrong := wrong_name(name)) is not None:
        yield wrong
        return
    for key, value in values.items():
        if (wrong := wrong_value(key, value, from_csv=from_csv)) is not None:
            yield wrong._replace(detail=f"target {name}: {wrong.detail}")
    if (wrong := too_large(values)) is not None:
        yield wrong._replace(detail=f"target {name}: {wrong.detail}")


def _csv(raw: bytes, name_column: str, delimiter: str) -> Iterator[Row]:
    import csv
    import io

    # `newline=""`: a quoted cell may hold a line end, which is refused as a value and not as a broken row
    reader = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            cells = [cell.strip() for cell in row]
            if header is None:
                header = _header(cells, name_column, reader.line_num)
                continue
            if len(cells) != len(header):
                detail = f"{_count(len(cells), 'cell')}, and the header has {_count(len(header), 'column')}"
                hint = f"every row has a cell for each of {listed(header)}; quote one with the delimiter"
                yield reader.line_num, None, Wrong("missing-column", detail, hint)
                continue
            values = dict(zip(header, cells, strict=True))
            yield reader.line_num, values.pop(name_column), values
    except csv.Error as error:
        raise _Unreadable(reader.line_num, "csv-syntax", f"not valid CSV: {error}") from None
    if header is None:
        raise _Unreadable(1, "missing-column", "the file is empty; its first line names the columns")


def _header(cells: list[str], name_column: str, line: int) -> list[str]:
    if name_column not in cells:
        close = nearest(name_column, cells)
        hint = f"did you mean nameColumn: {close}?" if close else "name the column with nameColumn"
        raise _Unreadable(
            line,
            "missing-column",
            f"there is no column {quoted(name_column)}; there are {listed(cells)}",
            hint,
        )
    twice = next((cell for cell in cells if cells.count(cell) > 1), None)
    if twice is not None:
        raise _Unreadable(line, "duplicate-column", f"the column {quoted(twice)} stands twice")
    for cell in cells:
        if cell != name_column and (wrong := wrong_value(cell, None)) is not None:
            raise _Unreadable(line, wrong.rule, wrong.detail, wrong.hint)
    return cells


def _maps(raw: bytes, form: str, name_column: str) -> Iterator[Row]:
    content = _json(raw) if form == "json" else _yaml(raw)
    if isinstance(content, dict):
        for name, values in content.items():
            if values is not None and not isinstance(values, dict):
                detail = f"target {quoted(name)} is no map of values"
                raise _Unreadable(0, "bad-value", detail, "for example: {host: 192.0.2.1}, or {}")
            yield 0, name, values or {}
    elif isinstance(content, list):
        for number, each in enumerate(content, 1):
            if not isinstance(each, dict) or name_column not in each:
                what = f"has no field {quoted(name_column)}" if isinstance(each, dict) else "is no map"
                hint = "name the field that holds a target's name with nameColumn"
                raise _Unreadable(0, "missing-column", f"entry {number} {what}", hint)
            yield 0, each[name_column], {key: value for key, value in each.items() if key != name_column}
    else:
        detail = "expected a map of targets by name, or a list of maps"
        raise _Unreadable(1, "bad-value", detail)


def _json(raw: bytes) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise _Unreadable(0, "duplicate-target", f"{quoted(twice)} stands twice in one map")
        return found

    def refused(constant: str) -> Any:
        raise _Unreadable(0, "bad-value", f"{constant} is no number in JSON")

    try:
        return json.loads(raw, object_pairs_hook=once, parse_constant=refused)
    except json.JSONDecodeError as error:
        raise _Unreadable(error.lineno, "json-syntax", f"not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; maps 10,000 deep
        raise _Unreadable(0, "json-syntax", f"not valid JSON: {error}") from None


def _yaml(raw: bytes) -> Any:
    from runner.loading.reader import read_documents

    reading = read_documents(raw, "", nodes=limits.INVENTORY_NODES)
    for diagnostic in reading.diagnostics:
        if diagnostic.severity == "error":
            detail = f"{diagnostic.summary}: {diagnostic.detail}"
            raise _Unreadable(diagnostic.line, diagnostic.rule, detail, diagnostic.hint)
    if len(reading.documents) != 1:
        raise _Unreadable(1, "bad-value", f"expected one document, and there are {len(reading.documents)}")
    return reading.documents[0].content


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
