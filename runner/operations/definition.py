"""A pinned definition, prepared once for all the runs that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from runner.dispatch.tasks import FanOutRules
from runner.operations.blobs import blob_path
from runner.store.steps import NewStep
from runner.vocabulary.duration import parse_duration, parse_size

DATA_STEPS = frozenset({"sql", "copy"})
"""Step kinds whose process starts with the database libraries loaded."""

DEFAULT_OUTPUT_LIMIT = 50 * 2**20


@dataclass(frozen=True, slots=True)
class Definition:
    """What all runs of one revision share. `connections` are the names that its steps use.

    `needs_installed`: whether a run looks anything up (connections, credentials, roots) when it starts.
    `asks_for_saved`: whether its programs or code may ask for what earlier runs have saved, and
    `code_asks_for_saved`: whether code may, which also asks for the last run, the next slot and the like.
    """

    spec: Mapping[str, Any]
    new_steps: tuple[NewStep, ...]
    profile: Literal["lean", "data"]
    files: Mapping[str, str]
    libraries: Mapping[str, Mapping[str, str]]
    limits: Mapping[str, Any]
    """Those that its processes set themselves; empty for most."""
    keep_workdir: bool
    output_limit: int
    timeout_s: float | None
    perform_timeout_s: float | None
    connections: tuple[str, ...]
    needs_installed: bool
    asks_for_saved: bool
    code_asks_for_saved: bool
    reads_previous_slot: bool
    fan_out: FanOutRules | None = None


def define(spec: Mapping[str, Any], state: Path) -> Definition:
    """Prepare a resolved spec; the copies of the files that it names lie in `state`."""
    limits = dict(spec["limits"])
    steps = spec["steps"]
    connections = _connections(steps)
    timeout, perform_timeout = spec["timeout"], spec.get("performTimeout")
    asking = [_asks_for_saved(step["action"], spec["files"], state) for step in steps]
    return Definition(
        spec=spec,
        new_steps=tuple(NewStep(step["name"], step["kind"], step["remedy"] or "") for step in steps),
        profile="data" if any(step["kind"] in DATA_STEPS for step in steps) else "lean",
        files=_copies(spec["files"], state),
        libraries={name: _copies(modules, state) for name, modules in spec["libraries"].items()},
        keep_workdir=bool(spec.get("keepWorkdir")),
        output_limit=parse_size(limits["output"]) if limits.get("output") else DEFAULT_OUTPUT_LIMIT,
        limits={key: value for key, value in limits.items() if value is not None and key != "output"},
        timeout_s=parse_duration(timeout).total_seconds() if timeout else None,
        perform_timeout_s=parse_duration(perform_timeout).total_seconds() if perform_timeout else None,
        connections=connections,
        needs_installed=bool(connections)
        or any(isinstance(value, Mapping) for value in spec["env"].values())
        or any(_names_root(step["action"]) for step in steps),
        asks_for_saved=any(asking),
        code_asks_for_saved=any(
            asks and step["kind"] == "python" for asks, step in zip(asking, steps, strict=True)
        ),
        reads_previous_slot="previous" in repr([steps, spec["env"], spec["outputs"], _where(spec)]),
        fan_out=FanOutRules.from_resolved(spec["tasks"]) if spec.get("tasks") else None,
    )


def _where(spec: Mapping[str, Any]) -> Any:
    return (spec.get("tasks") or {}).get("where")


def _copies(files: Mapping[str, str], state: Path) -> dict[str, str]:
    return {path: str(blob_path(state, digest)) for path, digest in files.items()}


def _ends(action: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of an action that may name a connection or a root: itself, or its two ends."""
    parts = (action, action.get("from"), action.get("to"))
    return [part for part in parts if isinstance(part, Mapping)]


def _connections(steps: list[Mapping[str, Any]]) -> tuple[str, ...]:
    named = {part.get("connection") for step in steps for part in _ends(step["action"])}
    return tuple(sorted(name for name in named if isinstance(name, str)))


def _asks_for_saved(action: Mapping[str, Any], files: Mapping[str, str], state: Path) -> bool:
    """Whether Python code has the SDK's word `job` in it, or a program a name of the runner's files."""
    if action.get("class") or action.get("argv"):
        return True  # what a program asks for is not to be seen
    text = action.get("source") or action.get("script") or ""
    if file := action.get("file"):
        try:
            text = blob_path(state, files[file]).read_text("utf-8", "replace")
        except (OSError, KeyError):
            return True
    return any(word in text for word in ("job", "RUNNER_STATE", "RUNNER_INFO"))


def _names_root(action: Mapping[str, Any]) -> bool:
    return any(part.get("root") for part in _ends(action))
