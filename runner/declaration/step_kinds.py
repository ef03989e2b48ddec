"""Which step kinds there are, and what of the outside each step touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.declaration.problem import Path

STEP_KINDS = ("shell", "python", "sql", "copy", "prune", "http")
"""The key of a step that says what it does; its fields are in actions/KIND.py, named in kinds/step.py."""

FIXED_OUTPUTS: dict[str, tuple[str, ...] | None] = {
    "shell": None,  # lines in $RUNNER_OUTPUT: only the script knows
    "python": None,  # the returned map: only the function knows
    "sql": ("rows", "first"),
    "copy": ("rows", "bytes"),
    "prune": ("files", "bytes", "deleted", "archived", "names"),
    "http": ("status", "json"),
}
"""Outputs that a step of this kind has; None when any name is possible."""


def kind_of(step: Any) -> str | None:
    """The action kind of a step as written, or None when it has not exactly one."""
    kinds = [kind for kind in STEP_KINDS if kind in step] if isinstance(step, Mapping) else []
    return kinds[0] if len(kinds) == 1 else None


def steps_of(spec: Mapping[str, Any]) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The steps of a Job or JobType spec that are mappings, each with its path below the spec."""
    steps = spec.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, Mapping):
            yield ("steps", index), step


def named_files(step: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The files of code or SQL that a step names, with the path below the step."""
    for kind in ("shell", "python", "sql"):
        action = step.get(kind)
        if isinstance(action, Mapping) and isinstance(action.get("file"), str):
            yield (kind, "file"), action["file"]


def touched(step: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What a step needs to exist: `Connection/NAME`, `Root/NAME`, `Root/NAME#write`, with the path."""
    for kind in STEP_KINDS:
        action = step.get(kind)
        if not isinstance(action, Mapping):
            continue
        yield from _end((kind,), action, writes=kind == "prune" and action.get("dryRun") is not True)
        for end in ("from", "to"):
            if isinstance(action.get(end), Mapping):
                yield from _end((kind, end), action[end], writes=end == "to")


def _end(path: Path, end: Mapping[str, Any], *, writes: bool) -> Iterator[tuple[Path, str]]:
    if isinstance(end.get("connection"), str):
        yield (*path, "connection"), f"Connection/{end['connection']}"
    if isinstance(end.get("root"), str):
        yield (*path, "root"), f"Root/{end['root']}" + ("#write" if writes else "")
