"""What has the tool that built a stream noted in its documents?

kustomize renames objects and the fields that it has a path to. It has none to values by name (`env`,
`schedules`) and to fields that hold a text or a mapping (`schedule`): those still say the name from before.
The component for kustomize leaves the prefix and the suffix in two annotations, and here they are put to what
was left out. Notes say how a document was made and not what is declared, so they go: a file that moved in the
repository is no change of its jobs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from runner.declaration.named_elsewhere import references_of
from runner.declaration.problem import Problem, listed

ORIGIN = "config.kubernetes.io/origin"
"""`path: base/report.yaml`, and `repo:` and `ref:` of what was fetched (with originAnnotations)."""
NAME_PREFIX = "jobs.runner/name-prefix"
NAME_SUFFIX = "jobs.runner/name-suffix"
NOTES = (ORIGIN, "alpha.config.kubernetes.io/transformations", NAME_PREFIX, NAME_SUFFIX)

NOT_BUILT = "not-built"
"""The rule of a problem that concerns the whole folder: no file below it is what is meant."""

_KUSTOMIZATION = "kustomize.config.k8s.io/"
_ONLY_LISTS = frozenset(
    (
        "apiVersion",
        "kind",
        "metadata",
        "resources",
        "openapi",
        "configurations",
        "buildMetadata",
        "sortOptions",
    )
)

_PART = re.compile(r"[a-z0-9-]{0,62}")


def settle_notes(contents: Sequence[Any]) -> None:
    """Do in the documents of one file what their notes say, and take the notes away; in place."""
    noted = [each for each in contents if not _annotations(each).keys().isdisjoint(NOTES)]
    if not noted:
        return
    addresses = {
        f"{each.get('kind')}/{each['metadata'].get('name')}"
        for each in contents
        if isinstance(each, dict) and isinstance(each.get("metadata"), dict)
    }
    for content in noted:
        annotations = _annotations(content)
        notes = {note: annotations.pop(note) for note in NOTES if note in annotations}
        if not annotations:
            content["metadata"].pop("annotations", None)
        _rename(content, notes.get(NAME_PREFIX, ""), notes.get(NAME_SUFFIX, ""), addresses)


def is_kustomization(content: Any) -> bool:
    """Whether the document is a kustomization, which stands beside what it builds."""
    version = content.get("apiVersion") if isinstance(content, dict) else None
    return isinstance(version, str) and version.startswith(_KUSTOMIZATION)


def problems_of_kustomization(content: dict[str, Any]) -> list[Problem]:
    """None for one that only lists what stands below it, which is read as it stands; any other is built."""
    changes = [key for key in content if key not in _ONLY_LISTS]
    resources = content.get("resources")
    outside = [each for each in resources if not _is_below(each)] if isinstance(resources, list) else []
    if not changes and not outside:
        return []
    does = (
        f"has {listed(sorted(changes))}" if changes else f"takes in {listed([str(each) for each in outside])}"
    )
    return [
        Problem(
            (changes[0] if changes else "resources",),
            NOT_BUILT,
            "To be built first",
            f"this kustomization {does}, so the files below it are not what it means",
            "build its folder, and give the stream: `kustomize build FOLDER | runner plan -`",
            at="key",
        )
    ]


def _is_below(resource: Any) -> bool:
    if not isinstance(resource, str) or ":" in resource or resource.startswith("/"):
        return False
    parts = resource.split("/")
    return ".." not in parts and (resource.endswith((".yaml", ".yml")) or "." not in parts[0].lstrip("."))


def _annotations(content: Any) -> dict[str, Any]:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return annotations if isinstance(annotations, dict) else {}


def _rename(content: dict[str, Any], prefix: Any, suffix: Any, addresses: Collection[str]) -> None:
    """Complete each reference that leads nowhere among the objects of the build, and does with the two parts.

    What is not among them was not renamed either: it is declared elsewhere.
    """
    kind, spec = content.get("kind"), content.get("spec")
    named = all(isinstance(each, str) and _PART.fullmatch(each) for each in (prefix, suffix))
    if not named or not (prefix or suffix) or not isinstance(kind, str) or not isinstance(spec, dict):
        return
    for path, reference in list(references_of(kind, spec)):
        address = reference.partition("#")[0]
        target, _, name = address.partition("/")
        renamed = f"{prefix}{name}{suffix}"
        if address not in addresses and f"{target}/{renamed}" in addresses:
            _put(spec, path, renamed)


def _put(spec: dict[str, Any], path: Sequence[str | int], name: str) -> None:
    """Write the name where the reference stands: as a value, in a mapping with a key, or as a key."""
    within: Any = spec
    for step in path[:-1]:
        within = within[step]
    if list(path[-3:-1]) == ["after", "all"]:  # the names are keys; their order stays
        items = [(name if key == path[-1] else key, each) for key, each in within.items()]
        within.clear()
        within.update(items)
    elif isinstance(within[path[-1]], dict):
        within[path[-1]]["authorization"] = name
    else:
        within[path[-1]] = name
