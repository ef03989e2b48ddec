"""What does the store keep of the targets of a run? One without an inventory has one task, `-`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from runner.lifecycle.machine import Move


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


class TaskProcess(NamedTuple):
    """The process that works on a target; `started` is a time at which it was there (clock ticks)."""

    target: str
    pid: int
    started: int


class TaskReads(Protocol):
    def of(self, instance_id: int) -> list[TaskRecord]:
        """By the name of the target; for many targets see `page`."""

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[TaskRecord]]:
        """id of a run → its tasks, by the name of the target; each id is a key."""

    def get(self, instance_id: int, target: str) -> TaskRecord | None:
        """One task."""

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

    def processes(self, instance_id: int) -> list[TaskProcess]:
        """Those of the targets that are RUNNING, in the order of the inventory."""

    def at_work(self, instance_id: int, targets: Sequence[str]) -> dict[str, AtWork]:
        """Of these targets of the run, those that another run works on: target → that run."""


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
