"""Did a patch bring steps into another order than their base has them in?

kustomize puts what a patch of a list names before what it does not, so a patch of one step makes it the
first. Steps run in order, and the built document does not tell that it changed. The file that it was built
from does, where it is found below the project.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.declaration.built import NAME_PREFIX, NAME_SUFFIX, ORIGIN
from runner.loading.files import read_file
from runner.loading.reader import ReadDocument, read_documents
from runner.loading.walk import Complaint
from runner.vocabulary.diagnostic import Diagnostic
from runner.vocabulary.printable import printable


def moved_steps(documents: list[ReadDocument], project: Path) -> Iterator[Diagnostic]:
    """A warning for each job and type whose steps stand in another order than in the file they come from."""
    root = os.path.realpath(project)
    read: dict[str, dict[tuple[str, str], list[str]]] = {}
    for document in documents:
        steps = _steps_of(document.content)
        path = _path_of(document.content) if len(steps) > 1 else ""
        if not path:
            continue
        if path not in read:
            read[path] = _steps_in(root, path)
        was = read[path].get((document.content["kind"], _name_before(document.content)), [])
        if [each for each in was if each in steps] != [each for each in steps if each in was]:
            yield Diagnostic(
                "-",
                document.line,
                1,
                "warning",
                "moved-steps",
                "Steps in another order",
                printable(f"{path[:500]} has {', '.join(was)[:1000]}; here it is {', '.join(steps)[:1000]}"),
                "a patch puts the steps that it names first: name all of them in the order that is meant",
            )


def _steps_in(root: str, path: str) -> dict[tuple[str, str], list[str]]:
    content = read_file(root, path)
    if isinstance(content, Complaint):
        return {}
    reading = read_documents(content.raw, path)
    if any(each.severity == "error" for each in reading.diagnostics):
        return {}
    return {
        (each.content["kind"], str(each.content["metadata"].get("name"))): steps
        for each in reading.documents
        if (steps := _steps_of(each.content)) and isinstance(each.content.get("metadata"), dict)
    }


def _steps_of(content: Any) -> list[str]:
    """The names of a job's or a type's steps."""
    if not isinstance(content, dict) or content.get("kind") not in ("Job", "JobType"):
        return []
    spec = content.get("spec")
    steps = spec.get("steps") if isinstance(spec, dict) else None
    names = [each.get("name") for each in steps if isinstance(each, dict)] if isinstance(steps, list) else []
    return [each for each in names if isinstance(each, str)]


def _path_of(content: Mapping[str, Any]) -> str:
    """The file that a document was built from, below the project; empty when it is not of this repository.

    The note is relative to the folder that was built, which is not known here. An overlay that goes up to its
    base goes up to the project in the usual layout; in others nothing is found, and nothing is told.
    """
    origin = _annotations(content).get(ORIGIN)
    lines = origin.splitlines() if isinstance(origin, str) else []
    said = dict(line.split(": ", 1) for line in lines if ": " in line)
    path = said.get("path", "")
    while path.startswith("../"):
        path = path.removeprefix("../")
    return "" if "repo" in said or path.startswith("/") or ".." in path.split("/") else path


def _name_before(content: Mapping[str, Any]) -> str:
    annotations = _annotations(content)
    prefix, suffix = (str(annotations.get(each, "")) for each in (NAME_PREFIX, NAME_SUFFIX))
    return str(content["metadata"].get("name")).removeprefix(prefix).removesuffix(suffix)


def _annotations(content: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = content.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}
