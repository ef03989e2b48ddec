"""What does the store keep of what jobs saved: where a run goes on, and what outlives it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


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


class StateReads(Protocol):
    def of(self, job_uid: str) -> list[StateRecord]:
        """Of all runs of the job, by run and target."""

    def of_instance(self, instance_id: int, target: str | None = None) -> list[StateRecord]:
        """Of all its targets, or of one."""

    def persistent(self, job_uid: str) -> PersistentRecord | None:
        """What the job keeps; None when it has kept nothing yet."""

    def last_owner(self, job_uid: str) -> int | None:
        """The newest run of the job that has saved anything."""


class StateWrites(StateReads, Protocol):
    def put(self, job_uid: str, instance_id: int, target: str, data: Any, *, at: datetime) -> None:
        """From outside of the code: where it stands stays as it is."""

    def checkpoint(
        self,
        instance_id: int,
        target: str,
        *,
        epoch: int,
        at: datetime,
        step: str,
        n: int,
        cursor: str,
        data: str | None,
        wake_at: datetime | None = None,
        completes: bool = False,
    ) -> None:
        """Where the code of a live run goes on; ChangedMeanwhile at another epoch. `data` and `cursor` are
        JSON texts; without data that of the same step stays. What `completes` a step is never resumed.
        """

    def take_over(self, instance_id: int, *, predecessor: int, at: datetime) -> int:
        """Give a failed predecessor's rows to this run; how many. The sleeps of the other are not its own."""

    def wake(self, instance_id: int, target: str | None = None) -> None:
        """The sleep of all its targets, or of one, is over."""

    def clear(
        self, job_uid: str, *, instance_id: int | None = None, at: datetime, who: str, why: str = ""
    ) -> int:
        """How many rows were deleted; writes an event when there were any."""

    def put_persistent(self, job_uid: str, data: Any, *, at: datetime) -> None:
        """In place of all that the job keeps. `data` is a map of JSON values."""

    def merge_persistent(
        self, job_uid: str, *, changed: Mapping[str, str], removed: Sequence[str], at: datetime
    ) -> None:
        """Change these keys (to JSON texts) and no others: of two runs that change one the later wins."""

    def clear_persistent(self, job_uid: str, *, at: datetime, who: str, why: str = "") -> bool:
        """Whether there was anything; writes an event then."""
