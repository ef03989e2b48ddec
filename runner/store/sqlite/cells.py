"""What stands in a cell: instants as text, maps as JSON, `info` as YAML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from runner.vocabulary.instants import to_text

T = TypeVar("T")

PORTION = 500
"""Values of one statement; SQLite takes 32,766 of them, and older ones 999."""

_last: tuple[datetime | None, str] = (None, "")


def instant(at: datetime) -> str:
    """As vocabulary's `to_text`; one instant stands in many rows of a transaction and is written once."""
    global _last  # noqa: PLW0603
    was, text = _last
    if was is at:
        return text
    text = at.isoformat(timespec="milliseconds")[:23] + "Z" if at.tzinfo is UTC else to_text(at)
    _last = (at, text)
    return text


def instant_or_none(at: datetime | None) -> str | None:
    return None if at is None else instant(at)


def as_instant(text: str) -> datetime:
    """Only for text that `instant` wrote: the `Z` makes it UTC; ValueError for any other."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is not UTC:
        raise ValueError(f"{text!r} is no instant in UTC")
    return at


def as_instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else as_instant(text)


def _as_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no word in JSON")


_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_dict
).encode


def as_json(value: Any) -> str:
    """JSON of `value`; ValueError for NaN, TypeError for what JSON has no word for."""
    return _encode(value) if value or not isinstance(value, Mapping) else "{}"


def as_json_or_none(value: Any) -> str | None:
    return None if value is None else as_json(value)


def from_json(text: str) -> Any:
    return {} if text == "{}" else json.loads(text)


def from_json_map(text: str) -> dict[str, Any]:
    """ValueError when it is no map."""
    value = from_json(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:50]!r} is no map")
    return value


def from_json_map_or_none(text: str | None) -> dict[str, Any] | None:
    return None if text is None else from_json_map(text)


def as_yaml(value: Mapping[str, Any] | None) -> str:
    """Block YAML, for people; empty text for an empty map, so that most runs never import a YAML library."""
    if not value:
        return ""
    from io import StringIO

    from ruamel.yaml import YAML

    out = StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.dump(json.loads(as_json(value)), out)
    return out.getvalue()


def as_info(value: Mapping[str, Any] | str | None) -> str:
    """What a run noted about itself. A job's code sends JSON text, which is YAML already."""
    return value if isinstance(value, str) else as_yaml(value)


def from_yaml(text: str) -> dict[str, Any]:
    if not text:
        return {}
    if text.startswith("{"):
        try:
            return from_json_map(text)
        except ValueError:
            pass  # YAML in braces
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        loaded = YAML(typ="safe", pure=True).load(text)
    except YAMLError as problem:
        raise ValueError(f"{text[:50]!r} is no YAML") from problem
    return loaded if isinstance(loaded, dict) else {"value": loaded}


def flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def as_flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def marks(count: int) -> str:
    """`?, ?, ?`"""
    return ", ".join("?" * count)


def chunks(ids: list[T], portion: int = PORTION) -> Iterator[list[T]]:
    """In portions that fit into one statement's parameters."""
    for start in range(0, len(ids), portion):
        yield ids[start : start + portion]
