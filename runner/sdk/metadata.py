"""Why, when and for what does this instance run?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class Metadata:
    """What a job may know about its own instance; only to be read.

    Instants are aware datetimes, made when they are asked for.
    """

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    @property
    def job(self) -> str:
        """The job's name."""
        return str(self._given.get("job") or "")

    @property
    def instance(self) -> int:
        """The number of this instance."""
        return int(self._given.get("instance") or 0)

    @property
    def attempt(self) -> int:
        """1 for the first; a retry after an error counts, a pause, a sleep or a crash does not."""
        return int(self._given.get("attempt") or 1)

    @property
    def step(self) -> str:
        """The name of the step."""
        return str(self._given.get("step") or "")

    @property
    def target(self) -> str:
        """The name of this task's target; `-` without a fan-out."""
        return str(self._given.get("target") or "-")

    @property
    def target_values(self) -> Mapping[str, Any]:
        """What the inventory says about the target."""
        values: Mapping[str, Any] = self._given.get("target_values") or {}
        return values

    @property
    def trigger(self) -> str:
        """What started the instance: `slot`, `manual`, …"""
        return str(self._given.get("trigger") or "")

    @property
    def trigger_details(self) -> Mapping[str, Any]:
        """What came with the trigger, for example `file.path` or `payload`."""
        details: Mapping[str, Any] = self._given.get("trigger_details") or {}
        return details

    @property
    def slot(self) -> datetime | None:
        """The time that the schedule named for this start; None for a start by hand."""
        return _instant(self._given.get("slot"))

    @property
    def last_execution(self) -> datetime | None:
        """When the instance before this one began; None when there was none."""
        return _instant(self._given.get("last_execution"))

    @property
    def next_slot(self) -> datetime | None:
        """When the schedule starts the job next; None when it does not."""
        return _instant(self._given.get("next_slot"))

    def __repr__(self) -> str:
        return f"Metadata({dict(self._given)!r})"


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    from datetime import datetime

    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return instant
