"""What does the store keep of the steps of a task?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from runner.lifecycle.machine import Move


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


class StepReads(Protocol):
    def of(self, instance_id: int, target: str | None = None) -> list[StepRecord]:
        """By target and position; those of one target, if it is given."""

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[StepRecord]]:
        """id of a run → its steps, by target and position; each id is a key."""

    def of_targets(self, instance_id: int, targets: Sequence[str]) -> dict[str, list[StepRecord]]:
        """target → its steps, by position; each target is a key."""


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
