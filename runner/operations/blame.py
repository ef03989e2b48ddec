"""Who has set a field: file, line, default, commit, author, and the apply that brought it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.declaration.declared import SHIPPED_JOB_TYPES
from runner.declaration.origins import Level, Origin, fields_said, index_path, origin_of_field
from runner.git.blame import Author, authors_of
from runner.loading.places import find_places
from runner.loading.reader import read_documents
from runner.loading.tree import Tree
from runner.operations.checked_out import CheckedOut
from runner.operations.declared_tree import declared_tree
from runner.operations.selection import unknown
from runner.reconcile.masking import masked
from runner.store.port import Reader
from runner.store.revisions import RevisionRecord
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.identity import Address, Place
from runner.vocabulary.names import nearest


@dataclass(frozen=True, slots=True)
class Installed:
    """The revision that brought the value that is installed."""

    revision: int
    at: datetime
    who: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Blamed:
    """One field. `set_by` is an address, or `built in`; `place` and `author` are of the line that says it."""

    field: str
    value: Any
    set_by: str
    said_as: str
    place: Place | None
    author: Author | None
    installed: Installed | None = None


def blame(
    address: Address,
    field: str | None,
    path: Path | CheckedOut | None,
    project: Path,
    reader: Reader | None,
) -> Sequence[Blamed]:
    """Who has set `field` (None: each field that anybody has set) of an object that is declared at `path`.

    UnknownName when it is not declared there, or has no such field. `reader` is asked for the apply.
    """
    tree = declared_tree(path, project)
    if address not in tree.objects:
        raise unknown(address.kind, address.name, (a.name for a in tree.objects if a.kind == address.kind))
    levels, schedules = _levels(tree, address)
    resolved = tree.document(address).resolved
    paths = list(dict.fromkeys(fields_said(levels))) if field is None else [_path_of(field, levels, resolved)]
    found = [(each, origin_of_field(each, levels, resolved, schedules)) for each in paths]
    if field is not None and found[0][1] is None:
        known = sorted({".".join(each) for each in fields_said(levels)} | {f"spec.{key}" for key in resolved})
        close = nearest(".".join(paths[0]), known)
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join(known[:12])}, …"
        raise UnknownName(f"{address} has no field {'.'.join(paths[0])!r}; {hint}")
    lines = _Lines(tree)
    told = [_blamed(origin, lines) for _, origin in found if origin is not None]
    if reader is None:
        return told
    record = reader.objects.get(address)
    revisions = reader.revisions.of(record.uid) if record is not None else []
    return [replace(each, installed=_brought_by(each, revisions)) for each in told]


def _path_of(field: str, levels: Sequence[Level], resolved: Mapping[str, Any]) -> tuple[str, ...]:
    """The field as a path; a key that has dots of its own (`jobs.runner/prune`, a file) is one part of it."""
    parts = tuple(field.split("."))
    parts = parts if parts[0] in ("spec", "metadata") else ("spec", *parts)
    own = [level.document for level in levels[:1]]
    return next((found for each in (*own, {"spec": resolved}) if (found := _keys(each, parts))), parts)


def _keys(value: Any, parts: tuple[str, ...]) -> tuple[str, ...]:
    """The keys that lead to it, the longest first; nothing when none does."""
    if isinstance(value, list):
        value = {str(each.get("name")): each for each in value if isinstance(each, Mapping)}
    for end in range(len(parts), 0, -1) if isinstance(value, Mapping) else ():
        key = ".".join(parts[:end])
        if key in value:
            below = _keys(value[key], parts[end:]) if parts[end:] else ()
            if below or not parts[end:]:
                return (key, *below)
    return ()


def _levels(tree: Tree, address: Address) -> tuple[list[Level], Mapping[str, Level]]:
    levels = [Level(str(address), tree.document(address).declared)]
    if address.kind != "Job":
        return levels, {}
    job_type = Address("JobType", str(levels[0].document["spec"].get("type", "standard")))
    if job_type in tree.objects:
        levels.append(Level(str(job_type), tree.document(job_type).declared, ("spec", "defaults")))
    elif job_type.name in SHIPPED_JOB_TYPES:
        from runner.declaration.shipped_types import shipped_type

        levels.append(Level(f"{job_type} (shipped)", shipped_type(job_type.name), ("spec", "defaults")))
    for each in tree.objects:
        if each.kind == "Runner":
            levels.append(Level(str(each), tree.document(each).declared, ("spec", "defaults")))
    named = [each for each in tree.objects if each.kind == "Schedule"]
    return levels, {each.name: Level(str(each), tree.document(each).declared) for each in named}


def _blamed(origin: Origin, lines: _Lines) -> Blamed:
    field = ".".join(origin.path)
    value = masked(origin.path, origin.value)
    if origin.level is None:
        return Blamed(field, value, "built in", "", None, None)
    said_as = ".".join(origin.at)
    if origin.level.address.endswith(")"):
        return Blamed(field, value, origin.level.address, said_as, None, None)
    place, author = lines.of(origin)
    return Blamed(field, value, origin.level.address, said_as, place, author)


class _Lines:
    """Places and authors, each file read once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._authors = lru_cache(authors_of)
        self._read = lru_cache(_documents)

    def of(self, origin: Origin) -> tuple[Place, Author | None]:
        assert origin.level is not None
        address = Address.parse(origin.level.address)
        place = self._tree.objects[address].place
        file = self._file(place.file)
        raw, documents = self._read(file)
        for index, content in documents:
            if _is(content, address):
                line, _ = find_places(raw, index).of_key(index_path(content, origin.at))
                return Place(place.file, line), self._authors(file).get(line)
        return place, None

    def _file(self, shown: str) -> Path:
        """The file itself: what people see is relative to the project."""
        return self._tree.root / shown.removeprefix(self._tree.prefix)


def _documents(file: Path) -> tuple[bytes, list[tuple[int, Any]]]:
    raw = file.read_bytes()
    return raw, [(each.index, each.content) for each in read_documents(raw, str(file)).documents]


def _is(content: Any, address: Address) -> bool:
    if not isinstance(content, dict) or content.get("kind") != address.kind:
        return False
    return bool((content.get("metadata") or {}).get("name") == address.name)


def _brought_by(blamed: Blamed, revisions: Sequence[RevisionRecord]) -> Installed | None:
    """The oldest of the newest revisions that have the same value."""
    path = tuple(blamed.field.split("."))
    found: RevisionRecord | None = None
    for each in revisions:
        if found is not None and _value(each, path) != _value(found, path):
            break
        found = each
    return None if found is None else Installed(found.revision, found.created_at, found.who, found.commit)


def _value(revision: RevisionRecord, path: tuple[str, ...]) -> tuple[Any, Any]:
    return _walk(revision.declared, path), _walk(revision.resolved, path[1:])


def _walk(value: Any, path: Sequence[str]) -> Any:
    for part in path:
        if isinstance(value, list):
            value = {str(each.get("name")): each for each in value if isinstance(each, Mapping)}
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
