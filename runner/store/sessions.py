"""Which processes of the runner are there, and were there?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One process of the runner (`up`, `run`, `cli`) and when it last said that it lives."""

    id: int
    kind: str
    pid: int
    host: str
    boot_id: str
    login: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    ended_how: str | None


Sessions = list[SessionRecord]


class SessionReads(Protocol):
    def list(self, limit: int = 50) -> Sessions:
        """Newest first."""

    def get(self, id: int) -> SessionRecord | None:
        """One process."""

    def current_daemon(self) -> SessionRecord | None:
        """The newest `up` that has not ended; whether it still lives, its heartbeat and the lock tell."""


class SessionWrites(SessionReads, Protocol):
    def start(self, kind: str, *, pid: int, host: str, boot_id: str, login: str, at: datetime) -> int:
        """The number of a process that has begun; `kind` is `up`, `run` or `cli`."""

    def beat(self, id: int, at: datetime) -> None:
        """It lives."""

    def end(self, id: int, at: datetime, how: str) -> None:
        """Once: an ended session stays as it ended."""

    def end_others(self, id: int, at: datetime, how: str) -> int:
        """End every other `up` session that never said goodbye; only the holder of the lock may."""
