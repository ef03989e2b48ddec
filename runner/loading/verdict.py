"""What does one file declare, and what is wrong with it, looked at by itself?

A verdict depends on the file's bytes alone: it names no path, so it is kept under their hash, and it is made
of plain values, so that it crosses a pipe and a cache as one piece of memory.
"""

from __future__ import annotations

import marshal
from typing import Any, NamedTuple

from runner.declaration.declared import API_VERSION, KINDS, LATER_KINDS
from runner.declaration.problem import Problem, quoted
from runner.loading import limits
from runner.loading.findings import Finding, from_diagnostic, is_error, place_problems
from runner.vocabulary.names import nearest


class Declaration(NamedTuple):
    """One document that has a known kind and a name: its number in the file, and the line it begins on."""

    number: int
    line: int
    kind: str
    name: str
    content: dict[str, Any]
    facts: dict[str, Any]


class Verdict(NamedTuple):
    """The declarations of a file and its findings."""

    declarations: list[Declaration]
    findings: list[Finding]


def pack(verdict: Verdict) -> bytes:
    """The verdict as bytes; `unpack` reads them back, with the same Python."""
    return marshal.dumps(([tuple(d) for d in verdict.declarations], verdict.findings))


def unpack(packed: bytes) -> Verdict:
    """What `pack` wrote."""
    declarations, findings = marshal.loads(packed)  # noqa: S302 - ours, with a checksum, in a private folder
    return Verdict([Declaration(*each) for each in declarations], findings)


def examine(raw: bytes) -> Verdict:
    """The verdict on a file's bytes. Raises nothing, whatever they are."""
    from runner.declaration.built import is_kustomization, problems_of_kustomization, settle_notes
    from runner.declaration.decode import problems_of
    from runner.declaration.facts import facts_of
    from runner.loading.reader import read_documents

    reading = read_documents(raw, "")
    findings = [from_diagnostic(d) for d in reading.diagnostics]
    if any(map(is_error, findings)):
        return Verdict([], findings)
    declarations: list[Declaration] = []
    problems: list[tuple[int, Problem]] = []
    settle_notes([document.content for document in reading.documents])
    for document in reading.documents:
        content, number = document.content, document.index
        if is_kustomization(content):
            problems.extend((number, problem) for problem in problems_of_kustomization(content))
            continue
        wrong = list(_envelope(content))
        if not wrong:
            try:
                wrong = problems_of(content, content["kind"])
            except RecursionError:
                wrong = [Problem((), "too-deep", "Beyond a limit", "values too deep inside each other")]
            metadata = content.get("metadata")
            name = metadata.get("name") if isinstance(metadata, dict) else None
            if isinstance(name, str):
                facts = facts_of(content, content["kind"])
                declarations.append(Declaration(number, document.line, content["kind"], name, content, facts))
        problems.extend((number, problem) for problem in wrong)
        if len(problems) >= limits.DIAGNOSTICS_PER_FILE:
            break
    findings += place_problems(raw, problems[: limits.DIAGNOSTICS_PER_FILE])
    return Verdict(declarations, findings)


def _envelope(content: Any) -> list[Problem]:
    """What keeps a document from being an object of a known kind."""
    if not isinstance(content, dict):
        if isinstance(content, list):
            hint = "write each object as a document of its own, divided by '---'"
            return [Problem((), "not-an-object", "Not an object", "the document is a list", hint)]
        return [Problem((), "not-an-object", "Not an object", "the document is a single value")]
    problems = []
    version, kind = content.get("apiVersion"), content.get("kind")
    if version != API_VERSION:
        said = f"apiVersion is {quoted(version)}" if version else "apiVersion is missing"
        problems.append(
            Problem(
                ("apiVersion",), "unknown-version", "Unknown apiVersion", f"{said}; expected '{API_VERSION}'"
            )
        )
    if kind in LATER_KINDS:
        detail = f"This release does not read {kind} yet; it reads {', '.join(KINDS)}"
        hint = "leave the document out of the tree until it does"
        problems.append(Problem(("kind",), "not-yet", "Not in this release", detail, hint))
    elif not isinstance(kind, str) or kind not in KINDS:
        close = nearest(kind, KINDS) if isinstance(kind, str) else None
        said = f"kind is {quoted(kind)}" if kind else "kind is missing"
        problems.append(
            Problem(
                ("kind",),
                "unknown-kind",
                "Unknown kind",
                f"{said}; known: {', '.join(KINDS)}",
                f"did you mean '{close}'?" if close else "",
            )
        )
    return problems
