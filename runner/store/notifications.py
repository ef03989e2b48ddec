"""What does the store keep of what runs told people?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class NotificationRecord:
    """What a run told people; `level` is `info`, `success`, `warning` or `error`."""

    instance_id: int
    at: datetime
    level: str
    topic: str
    message: str
    target: str | None = None
    step: str | None = None


class NotificationReads(Protocol):
    def of_all(self, instance_ids: Sequence[int]) -> dict[int, list[NotificationRecord]]:
        """id of a run → what it told people, oldest first; each id is a key."""


class NotificationWrites(NotificationReads, Protocol):
    def add(self, told: NotificationRecord) -> None:
        """One more; what is stored is never changed."""
