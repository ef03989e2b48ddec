"""What is a child told, and what is reported of it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from runner.execution.protocol import encode

Outcome = Literal["succeeded", "failed", "crashed", "stopped", "timeout", "sleeping"]
NO_TARGET = "-"
"""The target of an instance that has no inventory; with one, each target is a process of its own."""

DEFAULT_OUTPUT_LIMIT = 50 << 20
"""Bytes of one instance's log file when nothing is declared."""


@dataclass(slots=True, kw_only=True)
class Order:
    """One attempt of one instance, or of one target of it: complete, nothing else reaches the child.

    `steps` are resolved steps; those in `done` (with their outputs) or `skipped` are not run again.
    Without a `workdir` the supervisor gives the instance a private one and removes it afterwards; one that
    is named is made if it is missing, and removed unless `keep_workdir`. `env` is the exact environment, to
    which only RUNNER_ names are added. `limits` are as declared (`memory: 512MiB`, `cpuTime: 10m`) or
    numbers (bytes, seconds). `masks` and `log_path` stay with the supervisor. `timeout_s` bounds the whole
    attempt; `grace_s` is the time between TERM and KILL then. `perform_timeout_s` bounds the time between
    two checkpoints of code that makes some.

    `saved` is what earlier processes of the instance have recorded, and what its code may ask about it:
    `step`, `n`, `cursor` (a map) and `state` (JSON text) of the last checkpoint, `info` and `persistent`
    (JSON texts), `last_execution` and `next_slot` (ISO texts).
    """

    instance: int
    epoch: int
    job: str
    steps: Sequence[Mapping[str, Any]]
    log_path: str
    target: str = NO_TARGET
    profile: Literal["lean", "data"] = "lean"
    context: Mapping[str, Any] = field(default_factory=dict)
    done: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    saved: Mapping[str, Any] = field(default_factory=dict)
    skipped: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    libraries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    connections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    roots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str | None = None
    keep_workdir: bool = False
    limits: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    perform_timeout_s: float | None = None
    grace_s: float = 10.0
    output_limit: int = DEFAULT_OUTPUT_LIMIT
    masks: Sequence[str] = field(default=(), repr=False)

    def encoded(self, mark: str, workdir: str) -> bytes:
        """The line that the child reads first; ValueError when something in it is not JSON."""
        message: dict[str, Any] = {
            "instance": self.instance,
            "job": self.job,
            "mark": mark,
            "steps": self.steps,
            "context": self.context,
            "env": self.env,
            "workdir": workdir,
            "make_workdir": self.workdir is not None,
        }
        for name in _ONLY_WHEN_SET:
            if value := getattr(self, name):
                message[name] = value
        return encode(message)


_ONLY_WHEN_SET = (
    "done",
    "saved",
    "skipped",
    "files",
    "libraries",
    "connections",
    "roots",
    "keep_workdir",
    "limits",
    "outputs",
)


class ErrorInfo(NamedTuple):
    """Why a step or an attempt failed; `description` is for people, with secrets masked."""

    code: str
    description: str
    step: str | None = None
    exit_code: int | None = None
    sqlstate: str | None = None
    retryable: bool = False
    info: Mapping[str, Any] = {}


class Usage(NamedTuple):
    """What an attempt used: CPU seconds with all its programs, and the largest resident size in bytes."""

    cpu_s: float
    max_rss: int


class Began(NamedTuple):
    """The child is there: with `pid_started`, ticks after boot at which it was there, and the boot id the
    pid proves later whether it is gone.
    """

    instance: int
    epoch: int
    pid: int
    pid_started: int
    target: str = NO_TARGET


class Record(NamedTuple):
    """What a job's code wants kept, in one transaction; None: unchanged since the last one.

    `state` and `info` are JSON texts of maps, as are the values of `changed` (keys of the persistent state).
    `n` counts the checkpoints of the instance; `cursor` is the SDK's own. `trigger_at` and `until` (a sleep
    that ends the process) are seconds since the epoch.
    """

    n: int
    cursor: str
    state: str | None = None
    info: str | None = None
    changed: Mapping[str, str] = {}
    removed: Sequence[str] = ()
    trigger_at: float | None = None
    until: float | None = None
    items: Sequence[int] = ()
    """Ids of items that are done with."""


class ItemsAsked(NamedTuple):
    """The code wants at most so many items to work on. It waits until `number` is answered."""

    instance: int
    epoch: int
    number: int
    step: str
    most: int
    target: str = NO_TARGET


class Checkpointed(NamedTuple):
    """The code is to go on from here if its process dies. It waits until `number` is acknowledged."""

    instance: int
    epoch: int
    number: int
    step: str
    record: Record
    target: str = NO_TARGET


class StepReported(NamedTuple):
    """A step started, was skipped, completed or failed. `number` is what `acknowledge` wants back."""

    instance: int
    epoch: int
    number: int
    step: str
    event: Literal["start", "skip", "complete", "fail"]
    at: datetime
    outputs: Mapping[str, Any] | None = None
    error: ErrorInfo | None = None
    last: bool = False
    """A completion after which only the end comes: the child does not wait for its acknowledgement."""
    reason: str = ""
    target: str = NO_TARGET
    record: Record | None = None
    """What a completed step's code wants kept together with its completion."""
    again: bool = False
    """A start after a failure in the same attempt (`onFailure: retry`)."""


class Raised(NamedTuple):
    """The job's own code stored an error or a warning."""

    instance: int
    epoch: int
    severity: Literal["error", "warning"]
    code: str
    description: str
    info: Mapping[str, Any]
    target: str = NO_TARGET
    step: str | None = None
    grade: str | None = None
    """How bad an error is: `minor`, `major` or `critical`."""


class Progressed(NamedTuple):
    """How far the work is, in the job's own words."""

    instance: int
    epoch: int
    text: str
    target: str = NO_TARGET
    done: float | None = None
    total: float | None = None


class Notified(NamedTuple):
    """The job tells people something, for the activity log."""

    instance: int
    epoch: int
    level: str
    topic: str
    message: str
    target: str = NO_TARGET
    step: str | None = None


class InfoSaved(NamedTuple):
    """What the job noted about its instance, from an attempt that fails; JSON text of a map."""

    instance: int
    epoch: int
    info: str
    target: str = NO_TARGET


class PerformedLong(NamedTuple):
    """A unit of work has run for so long without a checkpoint."""

    instance: int
    epoch: int
    step: str
    seconds: float
    target: str = NO_TARGET


class Ended(NamedTuple):
    """The attempt is over: its processes are gone (verified), its log is complete."""

    instance: int
    epoch: int
    outcome: Outcome
    error: ErrorInfo | None
    outputs: Mapping[str, Any]
    signal: int | None
    usage: Usage
    output_bytes: int
    target: str = NO_TARGET
    wake_at: datetime | None = None
    """When it is to come back; only with the outcome `sleeping`."""
    checkpoints: int = 0


Report = (
    Began | StepReported | Checkpointed | ItemsAsked | Raised | Progressed | Notified | InfoSaved
    | PerformedLong | Ended
)  # fmt: skip
