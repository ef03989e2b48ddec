"""What was recorded and said in a trial of a job?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.sdk.port import Recorded


class Checkpoint(NamedTuple):
    """What was recorded; `kind` is `checkpoint`, `sleep` or `complete`, `n` counts all three from 1."""

    n: int
    kind: str
    state: dict[str, Any]
    info: dict[str, Any]
    persistent: dict[str, Any]


class Raised(NamedTuple):
    """A warning or an error; `severity` is None for a warning."""

    description: str
    code: str
    severity: str | None
    info: dict[str, Any]


class Notification(NamedTuple):
    """What `Job.notify` said."""

    level: str
    topic: str
    message: str


class Progress(NamedTuple):
    """What `Job.progress` said, as far as it is passed on (every 0.1 s at most)."""

    done: float
    total: float | None
    text: str


class Heard:
    """Everything that came over the port, in order of its saying, over all processes of one instance."""

    def __init__(self, recorded: Recorded, now: float) -> None:
        self.recorded = recorded
        self.now = now
        self.due = now
        """When a sleep that ended its process is over."""
        self.checkpoints: list[Checkpoint] = []
        self.warnings: list[Raised] = []
        self.errors: list[Raised] = []
        self.notifications: list[Notification] = []
        self.progress: list[Progress] = []
        self.log: list[str] = []
        self.sleeps: list[float] = []
        self.earlier_starts: list[float] = []
        self.items: list[dict[str, Any]] = []
        """Those that are not recorded as done."""

    @property
    def state(self) -> dict[str, Any] | None:
        """The state that is recorded; None before the first."""
        return None if self.recorded.state is None else _map(self.recorded.state)

    @property
    def info(self) -> dict[str, Any]:
        """What the job saved for people, as recorded."""
        return _map(self.recorded.info)

    @property
    def persistent(self) -> dict[str, Any]:
        """What outlives the instance, as recorded."""
        return _map(self.recorded.persistent)

    def record(self, message: Mapping[str, Any]) -> Checkpoint:
        """Take a checkpoint, a sleep or the completion."""
        _must_travel(message)
        self.recorded = self.recorded.after(message)
        self.due = message.get("until", self.due)
        if "trigger_at" in message:
            self.earlier_starts.append(message["trigger_at"])
        self.items = [item for item in self.items if item["id"] not in message.get("items", ())]
        checkpoint = Checkpoint(message["n"], message["m"], self.state or {}, self.info, self.persistent)
        self.checkpoints.append(checkpoint)
        return checkpoint

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take what is only said."""
        _must_travel(message)
        kind = message["m"]
        if kind == "raised":
            raised = Raised(message["description"], message["code"], message.get("grade"), message["info"])
            (self.errors if message["severity"] == "error" else self.warnings).append(raised)
        elif kind == "notify":
            self.notifications.append(Notification(message["level"], message["topic"], message["message"]))
        elif kind == "progress":
            self.progress.append(Progress(message["done"], message["total"], message["text"]))
        elif kind == "info":
            self.recorded = self.recorded.after(message)


def _must_travel(message: Mapping[str, Any]) -> None:
    """Every message has to be JSON, or the real port could not pass it on."""
    json.dumps(message, allow_nan=False, ensure_ascii=False).encode()


def as_text(values: Mapping[str, Any] | None) -> str | None:
    """What a test gives, as if it had been recorded."""
    return None if values is None else json.dumps(dict(values), ensure_ascii=False, allow_nan=False)


def _map(text: str | None) -> dict[str, Any]:
    return dict(json.loads(text)) if text else {}
