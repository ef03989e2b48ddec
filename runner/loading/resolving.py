"""What is each object's digest, with everything that becomes part of it?"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from runner.loading.memory import Memory
from runner.loading.named_files import named_path
from runner.loading.snapshot import Held, Named, Record
from runner.loading.verdict import Declaration, unpack

_SURROUNDING = {
    "JobType": "job_types",
    "Schedule": "schedules",
    "Library": "libraries",
    "Inventory": "inventories",
    "Calendar": "calendars",
}


def record_of(sha256: bytes, packed: bytes) -> Record:
    """The record of a file with this packed verdict, with no digests yet."""
    verdict = unpack(packed)
    held = [
        Held(each.number, each.line, each.kind, each.name, each.facts, "", "", False, {})
        for each in verdict.declarations
    ]
    return Record(sha256, held, verdict.findings)


class Resolver:
    """Resolves objects among the special (all but Job) ones of their tree."""

    def __init__(
        self,
        paths: Sequence[str] | Mapping[int, str],
        memory: Memory,
        named: Mapping[str, Named],
        special: Mapping[int, Record],
    ) -> None:
        from runner.declaration.surroundings import Surroundings

        self._paths = paths
        self._memory = memory
        self._folders: dict[str, str] = {}
        found: dict[str, dict[str, Any]] = {name: {} for name in _SURROUNDING.values()}
        runner = None
        for at, record in special.items():
            for declaration in self._declarations(at, record):
                if declaration.kind in _SURROUNDING:
                    found[_SURROUNDING[declaration.kind]][declaration.name] = declaration.content
                elif declaration.kind == "Runner":
                    runner = declaration.content
        self._files = {path: each.sha256 for path, each in named.items() if each.sha256}
        self._around = Surroundings(**found, runner=runner, folders=self._folders, files=self._files)

    def resolve_all(self, records: Mapping[int, Record]) -> dict[int, Record]:
        """The records with the digests filled in where they are empty."""
        resolved = {}
        for at, record in records.items():
            if all(held.digest for held in record.held):
                continue
            declarations = {each.number: each for each in self._declarations(at, record)}
            held = [
                each if each.digest else self._digested(each, declarations[each.number])
                for each in record.held
            ]
            resolved[at] = record._replace(held=held)
        return resolved

    def resolved(self, at: int, record: Record, held: Held) -> tuple[dict[str, Any], dict[str, Any]]:
        """One object's content as written, and its resolved spec."""
        from runner.declaration.resolve import resolve

        content = next(d.content for d in self._declarations(at, record) if d.number == held.number)
        return content, resolve(content, held.kind, self._around)

    def _declarations(self, at: int, record: Record) -> list[Declaration]:
        declarations = self._memory.verdict(self._paths[at], record.sha256).declarations
        folder = posixpath.dirname(self._paths[at])
        for each in declarations:
            self._folders[f"{each.kind}/{each.name}"] = folder
        return declarations

    def _digested(self, held: Held, declaration: Declaration) -> Held:
        from runner.declaration.digest import digest
        from runner.declaration.resolve import resolve

        resolved = resolve(declaration.content, held.kind, self._around)
        files = self._named_by(held, resolved)
        both = digest(held.kind, declaration.content["metadata"], resolved, files)
        return held._replace(
            digest=both.digest,
            execution_digest=both.execution,
            protected=bool(resolved.get("protected")),
            files=files,
        )

    def _named_by(self, held: Held, resolved: Mapping[str, Any]) -> dict[str, str]:
        """Every file that the object names, by its path below the root."""
        folder = self._folders[held.address]
        own = {named_path(folder, written) for written, _ in held.facts["files"]}
        files = {path: self._files[path] for path in sorted(own)}
        if held.kind == "Job" and isinstance(resolved.get("files"), dict):
            files.update(resolved["files"])  # those of the type's template
            files.update((resolved.get("tasks") or {}).get("files") or {})  # the inventory's
        return files
