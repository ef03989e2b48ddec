"""What does the store keep of the runs that another system executes?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalRun:
    """The present attempt of a run that another system executes.

    Not heard of until `silent_at` it becomes UNKNOWN. `means` is `webhook` or `poll`; `call_at` is the next
    call of the webhook, `accepted_at` when one succeeded, `perhaps_heard` that one may have arrived although
    nobody said so. `number` is that of the last report.
    """

    instance_id: int
    epoch: int
    means: str
    silent_at: datetime
    heard_at: datetime | None = None
    number: int = 0
    call_at: datetime | None = None
    calls: int = 0
    accepted_at: datetime | None = None
    perhaps_heard: bool = False
    call_error: Mapping[str, Any] | None = None


class LiveExternalRun(NamedTuple):
    """What the daemon looks at: a live run of another system, and its state."""

    run: ExternalRun
    job_uid: str
    state: str


class ExternalReads(Protocol):
    def get(self, instance_id: int) -> ExternalRun | None:
        """The present attempt of a run; None for a run that has a process here."""

    def live(self) -> list[LiveExternalRun]:
        """Of runs that are RUNNING, PAUSING, STOPPING or UNKNOWN, by id."""

    def report_key(self) -> str:
        """The secret of this database from which the tokens of epochs are made."""


class ExternalWrites(ExternalReads, Protocol):
    def put(self, run: ExternalRun) -> None:
        """Of a new attempt, or as it is now."""
