"""`fireAndForget`: once, as soon as the job may start (B4); its slot is what the job executes (R6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from runner.schedules.slot import ScheduleProblem, Slot, local_text
from runner.vocabulary.duration import parse_duration

RETRY_EVERY = "5m"
EXPIRES_IN = "30m"


@dataclass(frozen=True)
class FireAndForget:
    """No slot in time: it is due when its job is first released after what it executes was installed."""

    retry_every: timedelta
    expires_in: timedelta
    zone: ZoneInfo
    kind: ClassVar[str] = "fireAndForget"

    def slot_at(self, released: datetime, execution_digest: str) -> Slot:
        """The one slot, for a job that was released then."""
        return Slot(execution_digest, released, local_text(released, self.zone))

    def next_after(self, instant: datetime) -> Slot | None:
        """None: nobody can say when somebody releases the job."""
        return None

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """Nothing, for the same reason."""
        return iter(())


@lru_cache(maxsize=256)
def fire_and_forget(retry_every: str, expires_in: str, zone: ZoneInfo) -> FireAndForget:
    """The schedule; ScheduleProblem with the field that is wrong."""
    numbers = []
    for field, text in (("retryEvery", retry_every), ("expiresIn", expires_in)):
        try:
            number = parse_duration(text)
        except (ValueError, TypeError, OverflowError) as problem:
            raise ScheduleProblem(f"fireAndForget.{field}", str(problem)) from None
        if number < timedelta(seconds=1):
            raise ScheduleProblem(f"fireAndForget.{field}", f"{text!r} is shorter than 1s")
        numbers.append(number)
    return FireAndForget(numbers[0], numbers[1], zone)
