"""What is wrong between the files of a tree, and in which of them is it told?"""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from runner.declaration.problem import Problem
from runner.loading.asked_values import unknown_values
from runner.loading.findings import Finding, other_place, place_problems
from runner.loading.inventory import problems_of_inventory
from runner.loading.memory import Memory
from runner.loading.named_files import NamedFiles, named_path, names_in
from runner.loading.snapshot import Held, Record
from runner.loading.walk import Complaint

_Found = Iterator[tuple[int, int, Problem]]
"""The position of the file that is to tell it, the number of the document there, and the problem."""


def findings_between(
    paths: Sequence[str],
    records: Mapping[int, Record],
    files: NamedFiles,
    memory: Memory,
    known: Collection[str],
) -> list[tuple[str, Finding]]:
    """The findings, each with the path of its file. `files` are those that the `records` name, `known` the
    addresses that exist elsewhere. What is in a named file is judged only where it was not before: where the
    digest of the object that names it is empty.
    """
    by_file: dict[int, list[tuple[int, Problem]]] = {}
    for at, number, problem in chain(
        _of_objects(paths, records, known),
        _of_names(paths, records, files),
        _of_inventories(paths, records, files, memory),
        _of_asked_values(paths, records, files, memory),
    ):
        by_file.setdefault(at, []).append((number, problem))
    findings = []
    for at, problems in by_file.items():
        content, raw = memory.read(paths[at]), b""
        if not isinstance(content, Complaint) and content.sha256 == records[at].sha256:
            raw = content.raw  # else the places of another text would be told
        findings += [(paths[at], finding) for finding in place_problems(raw, problems)]
    return findings


def _of_objects(paths: Sequence[str], records: Mapping[int, Record], known: Collection[str]) -> _Found:
    from runner.declaration.cross_checks import cross_check

    every = _every(records)

    def place_of(index: int) -> str:
        at, held = every[index]
        return other_place(paths[at], held.line)

    unread = any(not record.held and record.findings for record in records.values())
    for found in cross_check([held.facts for _, held in every], place_of, known):
        if unread and found.problem.rule == "unknown-reference":
            continue  # it may stand in a file that could not be read
        at, held = every[found.position]
        yield at, held.number, found.problem


def _of_names(paths: Sequence[str], records: Mapping[int, Record], files: NamedFiles) -> _Found:
    """Files that are named and cannot be read."""
    if not files.wrong:
        return
    for path, at, held, where in names_in(paths, records):
        if (wrong := files.wrong.get(path)) is not None:
            detail = f"'{path}': {wrong.detail}"
            yield at, held.number, Problem(tuple(where), wrong.rule, wrong.summary, detail, wrong.hint)


def _of_inventories(
    paths: Sequence[str], records: Mapping[int, Record], files: NamedFiles, memory: Memory
) -> _Found:
    """What is wrong in a file of targets, told where it is named."""
    for path, at, held, where in names_in(paths, records):
        if held.kind == "Inventory" and not held.digest and files.named[path].sha256:
            raw = memory.blob(path, files.named[path].sha256)
            for each in problems_of_inventory(raw, path, held.facts["reads"]):
                yield at, held.number, each.below(*where)


def _of_asked_values(
    paths: Sequence[str], records: Mapping[int, Record], files: NamedFiles, memory: Memory
) -> _Found:
    """Values that changed jobs, or jobs of changed inventories, ask of targets that have none such."""
    every = _every(records)
    jobs = [(at, held) for at, held in every if held.facts.get("asksTargets") and not held.digest]
    if not jobs:
        return iter(())

    def content_of(at: int, held: Held) -> bytes | None:
        path = named_path(posixpath.dirname(paths[at]), held.facts["files"][0][0])
        named = files.named.get(path)
        return memory.blob(path, named.sha256) if named is not None and named.sha256 else None

    inventories = {held.address: (at, held) for at, held in every if held.kind == "Inventory"}
    return unknown_values(jobs, inventories, content_of)


def _every(records: Mapping[int, Record]) -> list[tuple[int, Held]]:
    return [(at, held) for at, record in records.items() for held in record.held]
