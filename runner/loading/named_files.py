"""Which files do declarations name, and what is in those now?"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.declaration.templates import CODE_IN_FILES, OPENING, evaluated_in_code
from runner.loading import limits
from runner.loading.memory import Memory
from runner.loading.snapshot import ABSENT, Held, Named, Record
from runner.loading.walk import Complaint, fingerprint_of


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """By their paths below the root: what was read, what is wrong with it, and whose content is another."""

    named: dict[str, Named] = field(default_factory=dict)
    wrong: dict[str, Complaint] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)


def named_path(folder: str, written: str) -> str:
    """The path below the root of a file that is named in a declaration in `folder`."""
    return posixpath.normpath(posixpath.join(folder, written))


def names_in(paths: Sequence[str], records: Mapping[int, Record]) -> Iterator[tuple[str, int, Held, Any]]:
    """Each name of a file: its path, the position of the file it stands in, whose it is, and where there."""
    for at, record in records.items():
        for held in record.held:
            for written, where in held.facts["files"]:
                if written[:1] != "/" and "\0" not in written:  # otherwise already refused
                    yield named_path(posixpath.dirname(paths[at]), written), at, held, where


def read_named(
    paths: Sequence[str], records: Mapping[int, Record], known: Mapping[str, Named], memory: Memory
) -> NamedFiles:
    """Every file that is named, once; those that are as they are `known` are not read again."""
    files = NamedFiles()
    code = {
        path: where for path, _, held, where in names_in(paths, records) if held.kind in ("Job", "JobType")
    }
    for path, _, held, _ in names_in(paths, records):
        if path in files.named or path in files.wrong:
            continue
        was = known.get(path)
        if was is not None and was.sha256 and fingerprint_of(f"{memory.root}/{path}") == was.fingerprint:
            files.named[path] = was
            continue
        most = limits.INVENTORY_BYTES if held.kind == "Inventory" else limits.FILE_BYTES
        content = memory.read(path, most)
        if not isinstance(content, Complaint) and path in code:
            content = _pasted_into(path, code[path], content.raw) or content
        if isinstance(content, Complaint):
            files.wrong[path] = content
            files.named[path] = Named(ABSENT, "")  # so it is read again until it is right
        else:
            sha256 = content.sha256.hex()
            memory.keep(sha256, content.raw)
            files.named[path] = Named(tuple(content.fingerprint), sha256)
        if was is None or was.sha256 != files.named[path].sha256:
            files.changed.add(path)
    return files


def _pasted_into(path: str, where: Sequence[Any], raw: bytes) -> Complaint | None:
    """What is wrong with the code in a named file: an expression in it is text pasted into code."""
    if (at := raw.find(OPENING.encode())) < 0:
        return None
    kind = next((kind for kind in ("sql", "shell") if kind in where), "python")
    line = raw.count(b"\n", 0, at) + 1
    detail, hint = evaluated_in_code(CODE_IN_FILES[kind])
    return Complaint(path, "expression-in-code", "Expression inside code", f"line {line}: {detail}", hint)
