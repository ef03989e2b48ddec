"""An inventory, and a job's fan-out over one, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.declaration.resolve_steps import rooted
from runner.declaration.surroundings import Surroundings, spec_of
from runner.declaration.targets import format_of_inventory

AT_LEAST_ONE = "1%"
"""Of a wave, rounded up: Ansible goes on as well unless all hosts of a batch have failed."""


def resolved_inventory(document: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
    """The resolved spec of an Inventory; `files` is the file that it names, with its hash."""
    spec = spec_of(document)
    folder = around.folders.get(f"Inventory/{document['metadata']['name']}", "")
    path = rooted(folder, spec["file"]) if spec.get("file") else None
    return {
        "description": spec.get("description"),
        "targets": None
        if path
        else {name: dict(values) for name, values in (spec.get("targets") or {}).items()},
        "files": {path: around.sha256(path)} if path else {},
        "format": format_of_inventory(spec) if path else None,
        "nameColumn": spec.get("nameColumn", "name"),
        "delimiter": spec.get("delimiter", ","),
    }


def resolved_tasks(
    tasks: Mapping[str, Any], around: Surroundings, schedules: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A job's `tasks`, with the content of its inventory: a run that has begun keeps the targets it had.

    With a window for a whole range a target is tried every `retryEvery` of the window, until the range is
    over (`expiresIn` null).
    """
    ranges = [each["window"][0] for each in schedules.values() if each.get("window")]
    in_range = next((each for each in ranges if each["repeat"] == "range"), None)
    name = tasks["inventory"]
    if name not in around.inventories:
        raise LookupError(f"there is no Inventory/{name}")
    inventory = resolved_inventory(around.inventories[name], around)
    return {
        "inventory": name,
        **{key: inventory[key] for key in ("targets", "files", "format", "nameColumn", "delimiter")},
        "where": tasks.get("where"),
        "parallel": tasks.get("parallel", 1),
        "waves": list(tasks.get("waves") or ()),
        "waveMinSuccess": tasks.get("waveMinSuccess", AT_LEAST_ONE),
        "minSuccess": tasks.get("minSuccess", "100%"),
        "maxFailures": tasks.get("maxFailures"),
        "retryEvery": tasks.get("retryEvery", in_range["retryEvery"] if in_range else "5m"),
        "expiresIn": tasks.get("expiresIn", None if in_range else "30m"),
        "timeout": tasks.get("timeout"),
        "onPause": tasks.get("onPause", "finish"),
    }
