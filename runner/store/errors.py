"""What does the store keep of the errors and warnings that runs raised?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    pass


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


class ErrorReads(Protocol):
    def of(self, instance_id: int) -> list[ErrorRecord]:
        """Errors and warnings of one run, in the order in which it raised them."""

    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[ErrorRecord]]:
        """The same for several runs: each id is a key."""


class ErrorWrites(ErrorReads, Protocol):
    def add(self, error: ErrorRecord) -> None:
        """One more; what is stored is never changed."""
