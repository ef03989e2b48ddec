"""What does the store keep of runs?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from runner.lifecycle.machine import Move


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


class InstanceRecord(NamedTuple):
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
    locks: tuple[str, ...]
    """What it took at its last claim; it holds them while it is live. `group:NAME` is a place in a group."""
    replaced_by: int | None
    metrics: Mapping[str, Any]
    """Of all its attempts: `running_s cpu_s peak_memory log_bytes checkpoints`, as far as they are known."""
    forced_at: datetime | None
    """When PAUSING, STOPPING or UNKNOWN is ended by force."""
    pauses: tuple[str, ...]
    """Why it is paused, or is to be: every reason has to be lifted before it goes on."""
    paused_at: datetime | None
    resume_as: str | None
    """The reason for which it waited when it was paused before its start; None for one that ran."""
    progress_said: Mapping[str, Any] | None
    """`{done, total, text}`, as the job's code said it last."""
    targets: int
    """How many targets it fans out over; 0 without an inventory, and before they are frozen."""
    targets_ended: int
    targets_failed: int


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


class PrunedInstance(NamedTuple):
    """A run that was deleted from the history; `log` is its log file, relative to the state directory."""

    id: int
    job: str
    log: str


Instances = list[InstanceRecord]
Ends = list[InstanceEnd]
Pruned = list[PrunedInstance]


class InstanceReads(Protocol):
    def get(self, id: int) -> InstanceRecord | None:
        """One run; None when it never was, or is pruned."""

    def existing(self, ids: Iterable[int]) -> set[int]:
        """Those of `ids` that are runs in the history."""

    def list(
        self,
        job: str | None = None,
        states: Iterable[str] | None = None,
        since: datetime | None = None,
        limit: int | None = 50,
        job_uid: str | None = None,
    ) -> Instances:
        """Newest first; `since` looks at when they were created."""

    def waiting(
        self,
        due_before: datetime | None = None,
        limit: int | None = None,
        without: Iterable[int] = (),
        without_new_of: Iterable[str] = (),
    ) -> Instances:
        """SCHEDULED, first due first (then first created); `without` are ids that are left out, and
        `without_new_of` jobs of which what has not begun is, unless it is forced.
        """

    def late(self, now: datetime) -> Instances:
        """SCHEDULED or PAUSED whose start_deadline or expires_at has passed."""

    def overdue(self, now: datetime) -> Instances:
        """PAUSING, STOPPING or UNKNOWN, and the time for that is over."""

    def next_due(self, after: datetime | None = None) -> datetime | None:
        """When the first SCHEDULED one is due; `after` a moment: of those that are due later than that."""

    def next_deadline(self) -> datetime | None:
        """The earliest start_deadline or expires_at of what waits, or end of what is ended by force."""

    def open_of(self, job_uid: str) -> Instances:
        """What counts for overlap, oldest first (lifecycle.md, principle 5)."""

    def open_states(self, job_uid: str) -> Sequence[tuple[int, str]]:
        """The same as (id, state), which costs a tenth."""

    def in_the_way(self, job_uid: str, now: datetime) -> Sequence[tuple[int, str]]:
        """The same, and what waits and is due: what a start made now comes after."""

    def open_counts(self) -> dict[str, int]:
        """job_uid → how many of its runs count for overlap; jobs without one are absent."""

    def unfinished_of(self, job_uid: str) -> Instances:
        """Not terminal, oldest first."""

    def live(self) -> Instances:
        """RUNNING, PAUSING, STOPPING or UNKNOWN, of all jobs, first created first."""

    def holders(self) -> Sequence[LockHolder]:
        """The live runs that hold locks or places in groups, first created first."""

    def waiting_for_locks(self, now: datetime) -> Sequence[LockHolder]:
        """SCHEDULED and due, with `locks` that the last ask found taken; first due first, `since` when."""

    def live_counts(self) -> dict[str, int]:
        """job_uid → how many of its runs are live; jobs without one are absent."""

    def counts(self) -> dict[str, int]:
        """state → how many unfinished runs are in it."""

    def latest(self) -> dict[str, LatestInstance]:
        """job_uid → its newest run."""

    def latest_of(self, job_uid: str, states: Iterable[str] | None = None) -> InstanceRecord | None:
        """Its newest run, or its newest in these states."""

    def ends_of(self, job_uid: str, limit: int = 100) -> Ends:
        """Terminal runs that had started, newest first."""


class InstanceWrites(InstanceReads, Protocol):
    def create(self, new: NewInstance, *, who: str, at: datetime, why: str = "") -> int | None:
        """Its id; None when the slot was used or decided before, whatever has been pruned since.

        Writes the run, its tasks, their events (I1, I2 or I3; T1), and for a slot the ledger row, and moves
        the watermark forward.
        """

    def claim(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        session_id: int | None = None,
        **changes: Any,
    ) -> int:
        """The new epoch (I4). Attempt rises for the reasons slot, manual and retry; error and pid go."""

    def move(
        self,
        id: int,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        details: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> None:
        """A guarded transition; `changes` are columns. A terminal state sets completed_at; SUCCEEDED deletes
        the run's state data. To fence late writers pass `raise_epoch=True` (I42, I46).
        """

    def update(self, id: int, *, epoch: int, **changes: Any) -> None:
        """Columns only (pid, progress, info …), no transition and no event; guarded by the epoch."""

    def prune(self, job_uid: str, *, keep: int | None, before: datetime | None, limit: int = 1000) -> Pruned:
        """Delete terminal runs beyond the newest `keep` or completed before `before`, at most `limit`.

        The slot ledger stays, so no slot becomes runnable again.
        """


def log_path_of(job: str, instance_id: int, target: str = "-") -> str:
    """Where the log of a run, or of one of its targets, lies, relative to the state directory."""
    return f"logs/{job}/{instance_id}.log" if target == "-" else f"logs/{job}/{instance_id}/{target}.log"
