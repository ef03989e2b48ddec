"""Which fields of one object differ, as its author would name them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runner.declaration.declared import Document
from runner.reconcile.masking import masked
from runner.reconcile.plan import FieldChange

_ABSENT = object()

# Short forms and shorthands: a change written in one is not told a second time in the other.
_SAME_FIELD = {
    "schedule": "schedules",
    "singleInstance": "concurrency",
    "runSkipped": "missed",
    "code": "steps",
    "source": "steps",
}

# Said by the type's own line, or by the schedule that comes or goes.
_FOLLOWS_FROM_TYPE = frozenset({"protected", "hidden", "executor"})
_FOLLOWS_FROM_SCHEDULE = frozenset({"mode"})

_TOLD_BY_ENTRY = 2  # spec.env, metadata.annotations

FieldPath = tuple[str, ...]


def field_differences(was: Document, now: Document) -> tuple[FieldChange, ...]:
    """Every field that differs, in the order of the declaration, secret values masked.

    First what the author wrote; then what changed although the author of this object wrote nothing new: a
    default of its type, a Schedule that it shares, the content of a file that it names.
    """
    written = list(_walk((), _without_envelope(was.declared), _without_envelope(now.declared)))
    told = {_field_of(path) for path, _, _ in written}
    if "type" in told:  # its defaults come with it
        told |= _FOLLOWS_FROM_TYPE
    changes = []
    for path, before, after in written:
        installed = _at(path[1:], was.resolved) if path[0] == "spec" else _ABSENT
        changes.append(_change(path, before, after, before if installed is _ABSENT else installed))
    for path, before, after in _walk((), _without_files(was.resolved), _without_files(now.resolved)):
        if path[0] not in told and path[0] not in _FOLLOWS_FROM_TYPE | _FOLLOWS_FROM_SCHEDULE:
            changes.append(_change(("spec", *path), before, after, before))
    for file in sorted({*was.files, *now.files}):
        before, after = was.files.get(file), now.files.get(file)
        if before != after:
            changes.append(FieldChange(f"file {file}", _short(before), _short(after), _short(before)))
    return tuple(changes)


def _change(path: FieldPath, before: Any, now: Any, installed: Any) -> FieldChange:
    return FieldChange(
        ".".join(path),
        masked(path, _or_none(before)),
        masked(path, _or_none(now)),
        masked(path, _or_none(installed)),
    )


def _or_none(value: Any) -> Any:
    return None if value is _ABSENT else value


def _without_envelope(document: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata and spec; the name is the address already."""
    metadata = {key: value for key, value in (document.get("metadata") or {}).items() if key != "name"}
    return {"metadata": metadata, "spec": document.get("spec") or {}}


def _without_files(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved spec without content digests: files are told by their own names."""
    return {key: value for key, value in resolved.items() if key not in ("files", "libraries")}


def _field_of(path: FieldPath) -> str:
    field = path[1] if path[0] == "spec" and len(path) > 1 else path[0]
    return _SAME_FIELD.get(field, field)


def _walk(path: FieldPath, before: Any, now: Any) -> Iterator[tuple[FieldPath, Any, Any]]:
    """The smallest differing parts: into maps, into lists of named things by their names, and into lists of
    as many maps by their places (a single one without it: `window.start`).

    A map that appears or goes is told entry by entry near the top (`spec.env.MODE`), as a whole further down.
    """
    if len(path) <= _TOLD_BY_ENTRY:
        before, now = _as_empty_map(before, now), _as_empty_map(now, before)
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in _keys(before, now):
            yield from _walk((*path, str(key)), before.get(key, _ABSENT), now.get(key, _ABSENT))
    elif _are_named(before) and _are_named(now):
        before_by_name, now_by_name = _by_name(before), _by_name(now)
        kept_before = [name for name in before_by_name if name in now_by_name]
        kept_now = [name for name in now_by_name if name in before_by_name]
        if kept_before != kept_now:
            yield path, list(before_by_name), list(now_by_name)
        yield from _walk(path, before_by_name, now_by_name)
    elif _are_as_many_maps(before, now):
        for place, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _walk(path if len(now) == 1 else (*path, str(place)), one, other)
    elif not _equal(before, now):
        yield path, before, now


def _are_as_many_maps(before: Any, now: Any) -> bool:
    lists = isinstance(before, list | tuple) and isinstance(now, list | tuple) and len(before) == len(now)
    return lists and all(isinstance(each, Mapping) for each in (*before, *now))


def _as_empty_map(value: Any, other: Any) -> Any:
    return {} if value is _ABSENT and isinstance(other, Mapping) and other else value


def _keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [*now, *(key for key in before if key not in now)]


def _are_named(value: Any) -> bool:
    if not isinstance(value, list | tuple) or not value:
        return False
    names = [each.get("name") for each in value if isinstance(each, Mapping)]
    return len(names) == len(value) and None not in names and len(set(names)) == len(names)


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {each["name"]: {key: v for key, v in each.items() if key != "name"} for each in value}


def _equal(before: Any, now: Any) -> bool:
    return type(before) is type(now) and bool(before == now)  # True is not 1, 1 is not 1.0


def _at(path: FieldPath, value: Any) -> Any:
    for part in path:
        if _are_named(value):
            value = {each["name"]: each for each in value}
        if not isinstance(value, Mapping) or part not in value:
            return _ABSENT
        value = value[part]
    return value


def _short(digest: str | None) -> str | None:
    return digest and digest.removeprefix("sha256:")[:12]
