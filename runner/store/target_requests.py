"""What do people ask of one target of a run, until whoever works on the run has done it?"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class TargetRequest(NamedTuple):
    """What a person asked of one target: `cancel` or `retry`. The newest has the highest id."""

    id: int
    target: str
    verb: str
    who: str
    why: str


class TargetRequestReads(Protocol):
    def of(self, instance_id: int) -> list[TargetRequest]:
        """What was asked of the run's targets and has not been done, the oldest first."""


class TargetRequestWrites(TargetRequestReads, Protocol):
    def add(self, instance_id: int, target: str, verb: str, *, who: str, why: str, at: datetime) -> None:
        """Ask it of whoever works on the run."""

    def done(self, instance_id: int, target: str | None = None) -> None:
        """What was asked of the target, or of all of them, is done, or past."""
