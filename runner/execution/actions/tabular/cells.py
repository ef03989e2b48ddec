"""One value of a row: what kind it is, and how it is read from text and written as text."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from runner.execution.actions.values import to_json

INTEGER, FLOAT, DECIMAL, BOOLEAN = "integer", "float", "decimal", "boolean"
DATE, TIME, TIMESTAMP, INSTANT = "date", "time", "timestamp", "instant"
TEXT, BYTES, JSON, ANY = "text", "bytes", "json", "any"
FLAG = "flag"
"""An integer column that stands for a boolean, as MariaDB's TINYINT(1)."""

# A number with leading zeros is a code (postcode, account), not a number.
_INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,17})", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+|(?<=\d)\.|(?<=\d))(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BOOLEAN = re.compile(r"true|false", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?"
_TIMESTAMP = re.compile(_CLOCK, re.ASCII)
_INSTANT = re.compile(_CLOCK + r"(?:Z|[+-]\d\d:?\d\d)", re.ASCII)
_PATTERNS = {
    INTEGER: _INTEGER,
    FLOAT: _FLOAT,
    BOOLEAN: _BOOLEAN,
    DATE: _DATE,
    TIMESTAMP: _TIMESTAMP,
    INSTANT: _INSTANT,
}
_WIDER = {
    frozenset((INTEGER, FLOAT)): FLOAT,
    frozenset((INTEGER, DECIMAL)): DECIMAL,
    frozenset((FLOAT, DECIMAL)): DECIMAL,
    frozenset((DATE, TIMESTAMP)): TIMESTAMP,
}
_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}


def kind_of_text(text: str) -> str:
    """The narrowest kind that a text can be read as."""
    for kind, pattern in _PATTERNS.items():
        if pattern.fullmatch(text):
            if kind not in (DATE, TIMESTAMP, INSTANT):
                return kind
            try:
                datetime.fromisoformat(text)
            except ValueError:
                return TEXT
            return kind
    return TEXT


def kind_of_value(value: Any) -> str:
    """The kind of a value as a driver or a JSON parser hands it out."""
    for types, kind in _TYPES:
        if isinstance(value, types):
            if kind is TIMESTAMP and value.tzinfo is not None:
                return INSTANT
            if kind is INTEGER and not -(2**63) <= value < 2**63:
                return DECIMAL
            return kind
    return TEXT


_TYPES: tuple[tuple[Any, str], ...] = (
    (str, TEXT),
    (bool, BOOLEAN),
    (int, INTEGER),
    (float, FLOAT),
    (Decimal, DECIMAL),
    (datetime, TIMESTAMP),
    (date, DATE),
    (time, TIME),
    ((bytes, bytearray, memoryview), BYTES),
    ((dict, list, tuple), JSON),
)


def joined(one: str | None, other: str) -> str:
    """The kind that holds both; text holds everything."""
    if one is None or one == other:
        return other
    return _WIDER.get(frozenset((one, other)), TEXT)


class Kinds:
    """The kind of each column, as far as its values were seen."""

    def __init__(self, count: int, *, textual: bool) -> None:
        self._seen: list[str | None] = [None] * count
        self._kind_of = kind_of_text if textual else kind_of_value
        self._textual = textual

    def see(self, rows: Sequence[Sequence[Any]]) -> None:
        """Widen each column's kind until it holds these values too."""
        for index, values in enumerate(zip(*rows, strict=True)):
            known = self._seen[index]
            if known is TEXT:
                continue
            # Values repeat, and a map or a list is compared by its kind alone.
            for value in set(values) if self._textual else values:
                if value is not None:
                    known = joined(known, self._kind_of(value))
                    if known is TEXT:
                        break
            self._seen[index] = known

    @property
    def kinds(self) -> list[str]:
        """Text for a column that had no value."""
        return [kind or TEXT for kind in self._seen]


def convert(value: Any, kind: str) -> Any:
    """The value as `kind`; ValueError, with what was expected, when it is not one."""
    if value is None or kind is ANY:
        return json.dumps(to_json(value)) if isinstance(value, (dict, list)) else value
    if isinstance(value, str):
        return _FROM_TEXT[kind](value)
    return _from_value(value, kind)


def to_text(value: Any) -> str:
    """The value as a CSV file has it; null is written by the caller."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(to_json(value), ensure_ascii=False)
    return str(to_json(value))


def _from_value(value: Any, kind: str) -> Any:
    is_kind = kind_of_value(value)
    if kind in (TEXT, JSON):
        return json.dumps(to_json(value), ensure_ascii=False) if kind is JSON else to_text(value)
    if is_kind == kind or (kind is FLAG and is_kind in (INTEGER, BOOLEAN)):
        return value
    if kind is FLOAT and is_kind in (INTEGER, DECIMAL):
        return float(value)
    if kind is DECIMAL and is_kind in (INTEGER, FLOAT):
        return Decimal(str(value))
    if kind is INTEGER and is_kind in (FLOAT, DECIMAL) and value == int(value):
        return int(value)
    if kind is BOOLEAN and value in (0, 1):
        return bool(value)
    if kind is TIMESTAMP and is_kind is INSTANT:
        return value.astimezone(UTC).replace(tzinfo=None)
    if kind is INSTANT and is_kind is TIMESTAMP:
        return value.replace(tzinfo=UTC)
    if kind in (TIMESTAMP, INSTANT) and is_kind is DATE:
        return datetime(value.year, value.month, value.day, tzinfo=UTC if kind is INSTANT else None)
    if kind is DATE and is_kind is TIMESTAMP and value.time() == time():
        return value.date()
    if kind is TIME and isinstance(value, timedelta):
        return value
    raise _not(to_text(value), kind)


def _not(text: str, kind: str) -> ValueError:
    shown = text if len(text) <= 40 else text[:37] + "…"
    return ValueError(f"{shown!r} is not {_NAMES[kind]}")


_NAMES = {
    INTEGER: "an integer",
    FLAG: "an integer or true or false",
    FLOAT: "a number",
    DECIMAL: "a number",
    BOOLEAN: "true or false",
    DATE: "a date like 2026-11-21",
    TIME: "a time like 22:00:00",
    TIMESTAMP: "a date and time like 2026-11-21 22:00:00",
    INSTANT: "a date and time like 2026-11-21 22:00:00Z",
    BYTES: "base64",
    JSON: "JSON",
    TEXT: "text",
}


def _parsed(kind: str, read: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            return read(text.strip())
        except (ValueError, InvalidOperation, KeyError, binascii.Error):
            raise _not(text, kind) from None

    return parse


def _integer(text: str) -> int:
    if len(text) > 40 or "_" in text:  # int() reads 1_000, no database does
        raise ValueError
    return int(text)


def _boolean(text: str) -> bool:
    lowered = text.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError


def _timestamp(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo is None else parsed.astimezone(UTC).replace(tzinfo=None)


def _instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def _json(text: str) -> str:
    json.loads(text)
    return text


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    TEXT: str,
    INTEGER: _parsed(INTEGER, _integer),
    FLAG: _parsed(FLAG, lambda text: int(_boolean(text)) if text.isalpha() else _integer(text)),
    FLOAT: _parsed(FLOAT, lambda text: float(text.replace("_", "?"))),
    DECIMAL: _parsed(DECIMAL, lambda text: Decimal(text.replace("_", "?"))),
    BOOLEAN: _parsed(BOOLEAN, _boolean),
    DATE: _parsed(DATE, date.fromisoformat),
    TIME: _parsed(TIME, time.fromisoformat),
    TIMESTAMP: _parsed(TIMESTAMP, _timestamp),
    INSTANT: _parsed(INSTANT, _instant),
    BYTES: _parsed(BYTES, lambda text: base64.b64decode(text, validate=True)),
    JSON: _parsed(JSON, _json),
}
