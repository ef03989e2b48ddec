"""What does the store keep of what triggers a job? Items that arrived, until each has been dealt with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

WAITING, TAKEN, MOVING = "WAITING", "TAKEN", "MOVING"
DONE, FAILED, DROPPED = "DONE", "FAILED", "DROPPED"
OPEN = (WAITING, TAKEN, MOVING)
"""MOVING: dealt with, and its file is still to be moved; `reason` says how it ended."""

ONE_BY_ONE = "one by one"

ENDED = (DONE, FAILED, DROPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """Something that arrived for one schedule of a job.

    `key` is the event's identity, unique per job and schedule; `source` says what it is or who signed it,
    never a secret; `data` becomes `trigger` of the run; `aftercare` is where its file goes afterwards
    (`{done, failed}`), empty when it stays.
    """

    job_uid: str
    schedule: str
    kind: str
    key: str
    source: str
    data: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    slot_at: datetime | None = None
    aftercare: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(NewItem):
    """The same as it stands: `starts` counts the runs that it was given to, `size` is that of `data`."""

    id: int
    state: str
    arrived_at: datetime
    instance_id: int | None
    starts: int
    reason: str
    settled_at: datetime | None
    size: int


class Queued(NamedTuple):
    """An item that waits, cheap by the thousand; `size` is that of what a run sees of it."""

    id: int
    arrived_at: datetime
    size: int


class GivenItem(NamedTuple):
    """An item that a run has, and how that run stands."""

    item: Item
    instance_state: str | None
    instance_reason: str
    began: bool


class ArrivalReads(Protocol):
    def get(self, id: int) -> Item | None:
        """One item, whatever its state."""

    def find(self, job_uid: str, schedule: str, key: str) -> Item | None:
        """The item of that identity, whatever its state; None when it never arrived, or is pruned."""

    def was_delivered(self, job_uid: str, schedule: str, key: str) -> bool:
        """Whether the item of that identity is pruned, and remembered."""

    def waiting(self, job_uid: str, schedule: str, limit: int | None = None) -> list[Queued]:
        """Oldest first."""

    def load(self, ids: Sequence[int]) -> list[Item]:
        """Those that there are, oldest first."""

    def count_waiting(self, job_uid: str, schedule: str) -> int:
        """How many items wait."""

    def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """(job_uid, schedule) → state → how many, of what is open or has FAILED."""

    def keys(self, job_uid: str, schedule: str) -> set[str]:
        """The identities of all items that are known, dealt with or not."""

    def of_instance(self, instance_id: int) -> list[Item]:
        """The items that a run has or had, oldest first."""

    def given(self, trigger: tuple[str, str] | None = None) -> list[GivenItem]:
        """TAKEN, of runs that have ended or are gone; of one trigger (job uid, schedule) or of all."""

    def moving(self, limit: int = 500) -> list[Item]:
        """Those whose file is still to be moved, oldest first."""

    def of_job(self, job_uid: str, states: Iterable[str] | None = None, limit: int | None = 50) -> list[Item]:
        """Newest first."""


class ArrivalWrites(ArrivalReads, Protocol):
    def add(self, new: NewItem, *, at: datetime, state: str = WAITING, reason: str = "") -> int | None:
        """Its id; None when the key is known for that schedule, and nothing was changed."""

    def give(self, ids: Sequence[int], instance_id: int, *, one_by_one: bool = False) -> None:
        """WAITING → TAKEN; ChangedMeanwhile when one of them does not wait. `one_by_one`: the run works
        through its items and acknowledges each (`reason` says so until it has).
        """

    def give_back(self, ids: Sequence[int]) -> None:
        """TAKEN → WAITING: its run did not deal with it."""

    def settle(
        self,
        ids: Sequence[int],
        state: str,
        *,
        reason: str,
        at: datetime,
        expected: str,
        instance_id: int | None = None,
    ) -> int:
        """From `expected` to that state; how many. Of one run, if it is given."""

    def forget_key(self, id: int) -> None:
        """What it stood for may arrive again."""

    def again(self, id: int) -> bool:
        """FAILED or DROPPED → WAITING; whether it was."""

    def prune(
        self,
        before: datetime,
        kinds: Sequence[str],
        limit: int = 1000,
        *,
        remembers: Callable[[str], bool] = lambda key: False,
    ) -> int:
        """Ended items of these kinds that were settled before; how many went. Of files only those that were
        moved away: one that stays where it is has to be known for as long. What `remembers` says yes to, by
        its key, `was_delivered` from then on.
        """

    def forget_delivered(self, before: datetime) -> int:
        """What was dealt with before that day is remembered no more; how many."""

    def empty(self, before: datetime, limit: int = 1000) -> int:
        """Forget what came with requests that were settled before, and keep that they came; how many."""
