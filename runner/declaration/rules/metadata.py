"""Rules for what stands beside the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.facts import MOVED_FROM, PRUNE, RECONCILE
from runner.declaration.problem import Problem, quoted
from runner.declaration.written import mapping
from runner.vocabulary.names import is_object_name, nearest

OURS = "jobs.runner/"


def our_annotations(document: Mapping[str, Any], _spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Annotations of ours are known, and their values too; those of other tools are theirs."""
    for key, value in mapping(mapping(document.get("metadata")).get("annotations")).items():
        path = ("metadata", "annotations", key)
        if not isinstance(key, str) or not key.startswith(OURS) or not isinstance(value, str):
            continue
        if key in (PRUNE, RECONCILE):
            if value != "disabled":
                detail = f"{quoted(value)} is not accepted here; expected disabled"
                yield Problem(path, "unknown-value", "Unknown value", detail, "or take the annotation out")
        elif key == MOVED_FROM:
            if not is_object_name(value):
                yield Problem(path, "bad-name", "Bad name", f"{quoted(value)} is not the name of an object")
        else:
            close = nearest(key, (PRUNE, RECONCILE, MOVED_FROM))
            detail = f"{quoted(key)} is not an annotation; known: {PRUNE}, {RECONCILE}, {MOVED_FROM}"
            hint = f"did you mean '{close}'?" if close else ""
            yield Problem(path, "unknown-annotation", "Unknown annotation", detail, hint, at="key")
