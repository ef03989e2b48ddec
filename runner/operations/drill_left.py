"""What did a run of a drilled job leave in its scratch database and directory?"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.execution.logs import read_log
from runner.execution.order import NO_TARGET
from runner.operations.drill_ends import End, FileLeft
from runner.operations.drill_scene import Scene
from runner.store.instances import log_path_of
from runner.store.port import Store

LONGEST_TEXT = 64 * 2**10
"""Bytes of a file whose lines are compared."""

LAST_LINES = 8
"""Of a log that says why a run failed."""


def what_is_left(store: Store, scene: Scene, states: Mapping[str, str]) -> End:
    """Of the run in the scene, once it has ended. `states` are the last states that its steps recorded, as
    JSON texts: the database forgets them when a run succeeds.
    """
    with store.read() as reader:
        run = reader.instances.get(scene.instance_id)
        steps = reader.steps.of(scene.instance_id)
        persistent = None if run is None else reader.state.persistent(run.job_uid)
        tasks = reader.tasks.page(scene.instance_id) if run is not None and run.targets else []
    if run is None:
        return End("nothing")
    values: dict[str, Any] = {
        "outputs": dict(run.outputs),
        "state": {step: json.loads(text) for step, text in sorted(states.items())},
        "info": dict(run.info),
        "persistent": persistent.data if persistent is not None else {},
        "steps": {
            place_of(step.target, step.name): {"state": step.state, "outputs": dict(step.outputs)}
            for step in steps
        },
    }
    if tasks:
        values["targets"] = {task.target: {"state": task.state, "info": dict(task.info)} for task in tasks}
    error = str((run.error or {}).get("description") or run.reason) if run.state != "SUCCEEDED" else ""
    return End(run.state, error, values, _files(scene))


def place_of(target: str, step: str) -> str:
    """What a step is called in a drill: `visit`, and `edge-1/visit` in a run over an inventory."""
    return step if target == NO_TARGET else f"{target}/{step}"


def last_lines(scene: Scene) -> tuple[str, ...]:
    """The end of its log; of a run over an inventory, of the log that was written last."""
    path = scene.state / log_path_of(scene.job, scene.instance_id)
    logs = list(path.with_suffix("").glob("*.log"))
    if logs:
        path = max(logs, key=lambda log: log.stat().st_mtime_ns)
    if not path.is_file():
        return ()
    return tuple(f"{line.step}: {line.text}" for line in list(read_log(path))[-LAST_LINES:])


def _files(scene: Scene) -> dict[str, FileLeft]:
    left: dict[str, FileLeft] = {}
    for name, folder in scene.compared.items():
        for place, _, files in os.walk(folder):
            for file in files:
                path = Path(place, file)
                if path.is_file() and not path.is_symlink():
                    left[f"{name}/{path.relative_to(folder)}"] = _file(path)
    return left


def _file(path: Path) -> FileLeft:
    content = path.read_bytes()
    text = None
    if len(content) <= LONGEST_TEXT and b"\0" not in content:
        text = content.decode("utf-8", "replace")
    return FileLeft(len(content), hashlib.sha256(content).hexdigest(), text)
