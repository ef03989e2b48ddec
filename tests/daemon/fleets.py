"""Jobs over an inventory, and what has become of their targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from daemons import Daemon
from installations import Installation, a_job

from runner.declaration.resolve import resolve
from runner.declaration.surroundings import Surroundings
from runner.store.objects import NewObject

Start = Callable[..., Daemon]
FLEET = {f"edge-{n}": {"host": f"192.0.2.{n}", "region": "north" if n % 2 else "south"} for n in range(1, 5)}


def a_fan_out(name: str, script: str, targets: Any = FLEET, spec: Any = None, **tasks: Any) -> NewObject:
    """A job over those targets."""
    steps = [{"name": "visit", "shell": script, "remedy": "go there"}]
    inventory = {"metadata": {"name": "fleet"}, "spec": {"targets": targets}}
    document = {
        "metadata": {"name": name},
        "spec": {"enabled": True, "steps": steps, "tasks": {"inventory": "fleet", **tasks}, **(spec or {})},
    }
    resolved = resolve(document, "Job", Surroundings(inventories={"fleet": inventory}))
    return replace(a_job(name, schedule=None), declared=document, resolved=resolved)


def states(here: Installation, id: int) -> dict[str, str]:
    with here.store.read() as reader:
        return {task.target: task.state for task in reader.tasks.page(id)}


def texts(here: Installation, id: int, target: str) -> list[str]:
    """What the target has printed."""
    lines = (here.state / "logs" / "visit" / str(id) / f"{target}.log").read_text().splitlines()
    return [line.split(" out ", 1)[1] for line in lines]


def fails_on(*targets: str) -> str:
    return f"case $RUNNER_TARGET in {'|'.join(targets)}) exit 1;; esac"


def waits_for(folder: Path) -> str:
    return f"touch {folder}/$RUNNER_TARGET; until [ -e {folder}/go-$RUNNER_TARGET ]; do sleep 0.01; done"


def a_task(here: Installation, id: int, target: str = "edge-2") -> Any:
    with here.store.read() as reader:
        task = reader.tasks.get(id, target)
    return task or TaskThatIsNotThereYet


class TaskThatIsNotThereYet:
    failures = attempt = 0
    state = ""
