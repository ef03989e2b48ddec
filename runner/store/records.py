"""What does the store keep? Frozen values: datetimes are aware UTC, maps are plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from runner.vocabulary.identity import Address, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """One object as a plan wants it installed. `files`: path relative to the source root → sha256 hex."""

    kind: str
    name: str
    source: str
    file: str
    line: int
    digest: str
    execution_digest: str
    declared: Mapping[str, Any]
    resolved: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    enabled: bool | None = None
    protected: bool = False
    prune_disabled: bool = False
    commit: str | None = None
    dirty: bool = False

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord(NewObject):
    """One installed object with its current revision; `removed_at` makes it a tombstone."""

    uid: str
    revision: int
    installed_at: datetime
    updated_at: datetime
    removed_at: datetime | None = None


class InstalledSummary(NamedTuple):
    """What a plan compares: cheap by the ten thousand, no JSON decoded."""

    uid: str
    kind: str
    name: str
    source: str
    file: str
    line: int
    digest: str
    execution_digest: str
    revision: int
    flags: int
    """`enabled` (0 omitted, 1 false, 2 true) × 4 + `protected` × 2 + `prune_disabled`: one cell to decode."""

    @property
    def enabled(self) -> bool | None:
        return (None, False, True)[self.flags >> 2]

    @property
    def protected(self) -> bool:
        return bool(self.flags & 2)

    @property
    def prune_disabled(self) -> bool:
        return bool(self.flags & 1)

    @property
    def address(self) -> Address:
        return Address(self.kind, self.name)

    @property
    def place(self) -> Place:
        return Place(self.file, self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord:
    """One revision of an object: what was declared, what it meant, where it came from."""

    uid: str
    revision: int
    digest: str
    execution_digest: str
    declared: Mapping[str, Any]
    resolved: Mapping[str, Any]
    files: Mapping[str, str]
    source: str
    file: str
    line: int
    commit: str | None
    dirty: bool
    created_at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """One reason why a job does not start by itself. `until` ends it by itself."""

    object_uid: str
    kind: str
    owner: str
    reason: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInstance:
    """A run that is to be. `schedule` is None for a run that uses no slot (key `manual:<uuid>`)."""

    job_uid: str
    job: str
    origin: str
    slot_key: str
    due_at: datetime
    reason: str
    digest: str
    revision: int
    schedule: str | None = None
    slot_at: datetime | None = None
    slot_local: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    trigger: Mapping[str, Any] = field(default_factory=dict)
    start_deadline: datetime | None = None
    expires_at: datetime | None = None
    rerun_of: int | None = None
    requested_by: str = ""
    targets: tuple[str, ...] = ("-",)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRecord:
    """One run. `progress` is from 0 to 1; `error` is `{code, description, step, …}`; `reason` says why it
    waits or how it ended.
    """

    id: int
    job_uid: str
    job: str
    state: str
    origin: str
    schedule: str | None
    slot_key: str
    slot_at: datetime | None
    slot_local: str | None
    due_at: datetime
    reason: str
    digest: str
    revision: int
    inputs: Mapping[str, Any]
    trigger: Mapping[str, Any]
    start_deadline: datetime | None
    expires_at: datetime | None
    rerun_of: int | None
    requested_by: str
    created_at: datetime
    started_at: datetime | None
    first_started_at: datetime | None
    completed_at: datetime | None
    attempt: int
    epoch: int
    failures: int
    crashes: int
    first_error_at: datetime | None
    session_id: int | None
    pid: int | None
    pid_started: int | None
    boot_id: str | None
    progress: float | None
    error: Mapping[str, Any] | None
    info: Mapping[str, Any]
    outputs: Mapping[str, Any]
    locks: tuple[str, ...] = ()
    """What it took at its last claim; it holds them while it is live. `group:NAME` is a place in a group."""
    replaced_by: int | None = None
    progress_said: Mapping[str, Any] | None = None
    """`{done, total, text}`, as the job's code said it last."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Of all its attempts: `running_s cpu_s peak_memory log_bytes checkpoints`, as far as they are known."""
    forced_at: datetime | None = None
    """When PAUSING, STOPPING or UNKNOWN is ended by force."""
    pauses: tuple[str, ...] = ()
    """Why it is paused, or is to be: every reason has to be lifted before it goes on."""
    paused_at: datetime | None = None
    resume_as: str | None = None
    """The reason for which it waited when it was paused before its start; None for one that ran."""
    targets: int = 0
    """How many targets it fans out over; 0 without an inventory, and before they are frozen."""
    targets_ended: int = 0
    targets_failed: int = 0


class InstanceEnd(NamedTuple):
    """How a run of a job ended; enough to count consecutive failures and compare durations."""

    id: int
    state: str
    origin: str
    started_at: datetime | None
    completed_at: datetime


class LockHolder(NamedTuple):
    """A live run that holds locks, `since` its claim; or one that waits for them, `since` it was due."""

    id: int
    job: str
    state: str
    locks: tuple[str, ...]
    since: datetime


class LatestInstance(NamedTuple):
    """The newest run of a job, for lists."""

    id: int
    state: str
    progress: float | None
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One target of a run (`-` without an inventory)."""

    instance_id: int
    target: str
    state: str
    attempt: int
    last_triggered_at: datetime | None
    next_try_at: datetime | None
    reason: str
    progress: float | None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    progress_said: Mapping[str, Any] | None = None
    position: int = 0
    """In the order of the inventory, from 0."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """What the inventory said of the target when the run began."""
    expires_at: datetime | None = None
    completed_at: datetime | None = None
    failures: int = 0
    crashes: int = 0
    error: Mapping[str, Any] | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    """What the job's code noted about this target."""


class OpenTask(NamedTuple):
    """What decides whether a target may start, cheap by the ten thousand."""

    target: str
    position: int
    state: str
    attempt: int
    next_try_at: datetime | None
    expires_at: datetime | None
    failures: int
    crashes: int


class AtWork(NamedTuple):
    """The run that works on a target now."""

    target: str
    instance_id: int
    job: str


class TargetRequest(NamedTuple):
    """What a person asked of one target: `cancel` or `retry`. The newest has the highest id."""

    id: int
    target: str
    verb: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step that a task will go through."""

    name: str
    kind: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a task; `error` is `{code, description, …}`."""

    instance_id: int
    target: str
    position: int
    name: str
    kind: str
    state: str
    started_at: datetime | None
    first_started_at: datetime | None
    skipped_at: datetime | None
    completed_at: datetime | None
    error: Mapping[str, Any] | None
    remedy: str
    outputs: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """What was decided about a slot: `instance`, `skipped` or `merged`; `count` > 1 for a dropped range.

    `rule` is a word of vocabulary/slot_rules.py, `blocker` what was in the way (`instance 12`, `hold git`);
    `first_at` is where a dropped range begins, and `outcome` how the run ended that has left the history.
    """

    job_uid: str
    schedule: str
    slot_key: str
    slot_at: datetime
    decision: str
    reason: str
    instance_id: int | None
    decided_at: datetime
    count: int = 1
    rule: str = ""
    blocker: str = ""
    first_at: datetime | None = None
    outcome: str = ""


class Watermark(NamedTuple):
    """The last decided slot of a schedule (R9); `slot_key` is None when it was set by hand, to now."""

    at: datetime
    slot_key: str | None


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error or a warning that a run raised; `info` is what the job's code attached."""

    instance_id: int
    at: datetime
    severity: str
    code: str
    description: str
    info: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    step: str | None = None
    grade: str | None = None
    """How bad an error is: `minor`, `major` or `critical`; None for a warning."""


@dataclass(frozen=True, slots=True)
class NotificationRecord:
    """What a run told people; `level` is `info`, `success`, `warning` or `error`."""

    instance_id: int
    at: datetime
    level: str
    topic: str
    message: str
    target: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class StateRecord:
    """What a job's code saved for one run and target: at checkpoint `n`, in `step` (empty once that is
    complete). `data` is None when it saved nothing but where it is. It sleeps until `wake_at`.
    """

    job_uid: str
    instance_id: int
    target: str
    data: Any
    updated_at: datetime
    step: str = ""
    n: int = 0
    cursor: Mapping[str, Any] = field(default_factory=dict)
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PersistentRecord:
    """What a job's code saved for good; only the job or an operator clears it."""

    job_uid: str
    data: Any
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One thing that happened: `row` is the line of the lifecycle table (`I4`), or empty.

    Subjects: `instance` 12, `task` 12/-, `step` 12/-/load, or an object's kind and name (`Job` nightly).
    """

    id: int
    at: datetime
    subject_kind: str
    subject: str
    event: str
    row: str
    before: str
    after: str
    who: str
    why: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One process of the runner (`up`, `run`, `cli`) and when it last said that it lives."""

    id: int
    kind: str
    pid: int
    host: str
    boot_id: str
    login: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    ended_how: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """The last apply: of which tree, at which commit, when, and by whom."""

    serial: int
    source: str
    tree_digest: str
    commit: str | None
    branch: str | None
    dirty: bool
    at: datetime
    who: str


class PrunedInstance(NamedTuple):
    """A run that was deleted from the history; `log` is its log file, relative to the state directory."""

    id: int
    job: str
    log: str


def log_path_of(job: str, instance_id: int, target: str = "-") -> str:
    """Where the log of a run, or of one of its targets, lies, relative to the state directory."""
    return f"logs/{job}/{instance_id}.log" if target == "-" else f"logs/{job}/{instance_id}/{target}.log"
