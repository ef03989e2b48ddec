"""What can be asked of the runs in a store: instances, their targets and their steps?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from runner.store.records import (
    AtWork,
    InstanceEnd,
    InstanceRecord,
    LatestInstance,
    LockHolder,
    NewInstance,
    NewStep,
    OpenTask,
    PrunedInstance,
    StepRecord,
    TargetRequest,
    TaskRecord,
)

if TYPE_CHECKING:
    from runner.lifecycle.machine import Move

Instances = list[InstanceRecord]
Ends = list[InstanceEnd]
Pruned = list[PrunedInstance]


class InstanceReads(Protocol):
    def get(self, id: int) -> InstanceRecord | None: ...
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

    def open_counts(self) -> dict[str, int]: ...
    def unfinished_of(self, job_uid: str) -> Instances:
        """Not terminal, oldest first."""

    def live(self) -> Instances: ...
    def holders(self) -> Sequence[LockHolder]:
        """The live runs that hold locks or places in groups, first created first."""

    def waiting_for_locks(self, now: datetime) -> Sequence[LockHolder]:
        """SCHEDULED and due, with `locks` that the last ask found taken; first due first, `since` when."""

    def live_counts(self) -> dict[str, int]: ...
    def counts(self) -> dict[str, int]:
        """state → how many unfinished runs are in it."""

    def latest(self) -> dict[str, LatestInstance]:
        """job_uid → its newest run."""

    def latest_of(self, job_uid: str, states: Iterable[str] | None = None) -> InstanceRecord | None: ...
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


class TaskReads(Protocol):
    def of(self, instance_id: int) -> list[TaskRecord]: ...
    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[TaskRecord]]: ...
    def get(self, instance_id: int, target: str) -> TaskRecord | None: ...
    def metrics(self, instance_id: int) -> dict[str, Any]:
        """What all targets of a run have used together; empty when nothing is known of any."""

    def page(
        self,
        instance_id: int,
        states: Iterable[str] | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[TaskRecord]:
        """In the order of the inventory; only those in `states`, if these are given."""

    def counts(self, instance_id: int) -> dict[str, int]:
        """state → how many tasks of the run are in it."""

    def open_tasks(self, instance_id: int) -> list[OpenTask]:
        """All tasks of the run as a fan-out needs them, in the order of the inventory."""

    def due(self, instance_id: int, now: datetime) -> list[str]:
        """The targets whose next try is due."""

    def at_work(self, instance_id: int, targets: Sequence[str]) -> dict[str, AtWork]:
        """Of these targets of the run, those that another run works on: target → that run."""

    def asked(self, instance_id: int) -> list[TargetRequest]:
        """What was asked of its targets and has not been done, the oldest first."""


class TaskWrites(TaskReads, Protocol):
    def freeze(
        self,
        instance_id: int,
        targets: Sequence[tuple[str, Mapping[str, Any]]],
        move: Move,
        *,
        at: datetime,
        who: str,
        inventory: str | None = None,
    ) -> None:
        """These targets with their values instead of the task `-` of a run that has just begun (T1).

        Of one `inventory`, a target is RUNNING in one run at a time.
        """

    def count_end(self, instance_id: int, *, epoch: int, failed: bool) -> None:
        """One more target of the run has ended."""

    def ask(self, instance_id: int, target: str, verb: str, *, who: str, why: str, at: datetime) -> None:
        """Of whoever works on the run."""

    def done(self, instance_id: int, target: str | None = None) -> None:
        """What was asked of the target, or of all of them, is done, or past."""

    def move_all(
        self,
        instance_id: int,
        moves: Mapping[str, Move],
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> int:
        """Every task whose state one of the moves begins in; how many."""

    def update(self, instance_id: int, target: str, *, epoch: int, **changes: Any) -> None:
        """Columns only (progress …); nothing changes at another epoch."""

    def move(
        self,
        instance_id: int,
        target: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        **changes: Any,
    ) -> None:
        """RUNNING raises attempt and sets last_triggered_at.

        TargetAtWork, and nothing is changed, when another run works on that target of the inventory.
        """


class StepReads(Protocol):
    def of(self, instance_id: int, target: str | None = None) -> list[StepRecord]:
        """By target and position; those of one target, if it is given."""

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[StepRecord]]: ...
    def of_targets(self, instance_id: int, targets: Sequence[str]) -> dict[str, list[StepRecord]]: ...


class StepWrites(StepReads, Protocol):
    def create_all(self, instance_id: int, target: str, steps: Sequence[NewStep]) -> None:
        """PENDING; those that are there already (a second attempt) stay as they are."""

    def move(
        self,
        instance_id: int,
        target: str,
        name: str,
        move: Move,
        *,
        epoch: int,
        at: datetime,
        who: str,
        why: str = "",
        outputs: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> None:
        """Sets the timestamps that the state stands for; a reopened failure is kept in the event."""
