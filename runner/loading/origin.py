"""Which file did a document of a stream come from? kustomize says it in an annotation, if it is asked to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.declaration.built import ORIGIN
from runner.loading.moved_steps import moved_steps
from runner.loading.reader import read_documents
from runner.vocabulary.diagnostic import Diagnostic, in_order
from runner.vocabulary.printable import printable


def with_origins(diagnostics: Sequence[Diagnostic], raw: bytes, project: Path) -> tuple[Diagnostic, ...]:
    """Each with the file that its document was rendered from, and what a look into those files tells."""
    if ORIGIN.encode() not in raw:
        return tuple(diagnostics)
    documents = read_documents(raw, "-").documents
    told = [replace(each, detail=_told(each, documents)) for each in diagnostics]
    return in_order([*told, *moved_steps(documents, project)])


def _told(each: Diagnostic, documents: Sequence[Any]) -> str:
    within = [document for document in documents if document.line <= each.line]
    path = _origin_of(within[-1].content) if within else ""
    return "\n".join(part for part in (each.detail, f"rendered from {path}" if path else "") if part)


def _origin_of(content: Any) -> str:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    origin = annotations.get(ORIGIN) if isinstance(annotations, dict) else None
    if not isinstance(origin, str):
        return ""
    said = dict(line.split(": ", 1) for line in origin.splitlines() if ": " in line)
    path = printable(said.get("path", "")[:500])
    repository = printable(said.get("repo", "")[:500])
    return f"{path} of {repository}" if path and repository else path
