"""Who says what a field is: the object, its type, the Runner's defaults, a shared Schedule, or nobody?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FieldPath = tuple[str, ...]
_ABSENT = object()
_DEEPEST = 3
"""spec, a field, and an entry of it: `spec.env.MODE`, `spec.steps.load`."""


@dataclass(frozen=True, slots=True)
class Level:
    """An object that may say it, and where in it: the path of the field there begins with `below`."""

    address: str
    document: Mapping[str, Any]
    below: FieldPath = ("spec",)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a field of an object is said. `level` is None for what is built in."""

    path: FieldPath
    value: Any
    level: Level | None
    at: FieldPath = ()


def origin_of_field(
    path: FieldPath, levels: Sequence[Level], resolved: Mapping[str, Any], schedules: Mapping[str, Level]
) -> Origin | None:
    """Who says it, the nearest first; None when the object has no such field.

    `levels[0]` is the object itself. What a map declares empty says so for all that lies in it.
    """
    own = levels[0]
    if path[0] != "spec":
        value = _at(own.document, path)
        return None if value is _ABSENT else Origin(path, value, own, path)
    for level in levels:
        at = (*level.below, *path[1:])
        value = _at(level.document, at)
        if value is not _ABSENT:
            return Origin(path, value, level, at)
        named = _shared(level, path, schedules)
        if named is not None:
            return named
        cleared = _cleared(level, path)
        if cleared is not None:
            return Origin(path, None, level, cleared)
    value = _at(resolved, path[1:])
    return None if value is _ABSENT else Origin(path, value, None)


def fields_said(levels: Sequence[Level]) -> Iterator[FieldPath]:
    """The fields that anybody but the program says, those of the object itself first."""
    seen: set[FieldPath] = set()
    for position, level in enumerate(levels):
        base = _at(level.document, level.below)
        for path in _leaves(("spec",), base if isinstance(base, Mapping) else {}):
            if path not in seen:
                seen.add(path)
                yield path
        if position == 0:
            metadata = level.document.get("metadata") or {}
            for key in ("labels", "annotations"):
                yield from (("metadata", key, name) for name in metadata.get(key) or {})


def _leaves(path: FieldPath, value: Mapping[str, Any]) -> Iterator[FieldPath]:
    for key, each in value.items():
        below = (*path, str(key))
        if isinstance(each, Mapping) and each and len(below) < _DEEPEST:
            yield from _leaves(below, each)
        elif _are_named(each) and len(below) < _DEEPEST:
            yield from ((*below, str(item["name"])) for item in each)
        else:
            yield below


def _shared(level: Level, path: FieldPath, schedules: Mapping[str, Level]) -> Origin | None:
    """Of `spec.schedule.cron` where `schedule: nightly` stands: what the Schedule says."""
    for length in (2, 3):
        name = _at(level.document, (*level.below, *path[1:length])) if len(path) > length else _ABSENT
        is_one = path[1] == ("schedule" if length == 2 else "schedules")
        if is_one and isinstance(name, str) and name in schedules:
            shared = schedules[name]
            at = (*shared.below, *path[length:])
            value = _at(shared.document, at)
            return None if value is _ABSENT else Origin(path, value, shared, at)
    return None


def _cleared(level: Level, path: FieldPath) -> FieldPath | None:
    for length in range(2, len(path)):
        at = (*level.below, *path[1:length])
        value = _at(level.document, at)
        if value is None or value == {}:
            return at
    return None


def _are_named(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(e, Mapping) and "name" in e for e in value)
    )


def _at(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if _are_named(value):
            value = {str(each["name"]): each for each in value}
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def index_path(value: Any, path: Sequence[str]) -> tuple[str | int, ...]:
    """The same path with numbers for the items of lists of named things, as positions in a file have it."""
    found: list[str | int] = []
    for part in path:
        if _are_named(value):
            index = next((n for n, each in enumerate(value) if each["name"] == part), 0)
            found.append(index)
            value = value[index]
        else:
            found.append(part)
            value = value.get(part) if isinstance(value, Mapping) else None
    return tuple(found)
