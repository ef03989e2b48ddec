"""`at`: one instant (R1), with an offset or as a local time of the schedule's zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.slot import ScheduleProblem, Slot, instant_key, local_text, slots_between

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)


class At:
    """One slot."""

    kind: ClassVar[str] = "at"

    def __init__(self, slot: Slot, zone: ZoneInfo) -> None:
        self.slot = slot
        self.zone = zone

    def next_after(self, instant: datetime) -> Slot | None:
        """The slot when it lies strictly after `instant` (aware), else None."""
        return self.slot if self.slot.at > instant else None

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The slot when it lies in `(after, until]`."""
        return slots_between(self, after, until)


@lru_cache(maxsize=4096)
def at_schedule(text: str, zone: ZoneInfo) -> At:
    """The schedule of one instant; ScheduleProblem when `text` is none."""
    due = read_instant(text, zone, field="at")
    marks = (due.mark,) if due.mark else ()
    return At(Slot(instant_key(due.at), due.at, local_text(due.at, zone), marks), zone)


def read_instant(text: str, zone: ZoneInfo, *, field: str) -> zones.Due:
    """The instant that `text` names: RFC 3339, or a local time of `zone` (gap, fold: as for cron)."""
    problem = ScheduleProblem(
        field,
        f"{text!r} is not an instant; write it like 2026-12-01T02:00 (local time) or 2026-12-01T02:00:00Z",
    )
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise problem
    try:
        moment = zones.within_reach(datetime.fromisoformat(text.upper()))
        if moment.tzinfo is None:
            return zones.due_instant(zone, moment)
        return zones.Due(moment.astimezone(UTC), "")
    except (ValueError, OverflowError):
        raise problem from None
