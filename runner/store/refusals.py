"""What does the store keep of requests that were not taken? How many, why, and what was wrong last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalRecord:
    """Requests that were refused for one reason. `job_uid` and `schedule` are empty when no hook has that
    path; `path` and `detail` are those of the last one.
    """

    job_uid: str
    schedule: str
    rule: str
    count: int
    first_at: datetime
    last_at: datetime
    path: str
    detail: str


class RefusalReads(Protocol):
    def all(self, job_uid: str | None = None) -> list[RefusalRecord]:
        """Of one job or of all, the last one first."""


class RefusalWrites(RefusalReads, Protocol):
    def add(self, refused: RefusalRecord) -> None:
        """Count them with those before; the times and the words become those of the later."""

    def prune(self, before: datetime) -> int:
        """Forget what has not been refused since; how many rows went."""
