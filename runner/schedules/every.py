"""`every`: elapsed time from an anchor (R1); offsets and their changes do not matter to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import ClassVar
from zoneinfo import ZoneInfo

from runner.schedules.at import read_instant
from runner.schedules.slot import ScheduleProblem, Slot, instant_key, local_text, slots_between
from runner.vocabulary.duration import parse_duration

SHORTEST = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9900, 1, 1, tzinfo=UTC)


class Every:
    """A slot at the anchor and after each further interval; none before the anchor."""

    kind: ClassVar[str] = "every"

    def __init__(self, interval: timedelta, anchor: datetime, zone: ZoneInfo) -> None:
        self.interval = interval
        self.anchor = anchor
        self.zone = zone

    def next_after(self, instant: datetime) -> Slot | None:
        """The first slot strictly after `instant` (aware), or None past the year 9900."""
        return _next_after(self, instant)

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        """The slots in `(after, until]`, in order."""
        return slots_between(self, after, until)


@lru_cache(maxsize=4096)
def every_schedule(text: str, anchor: str | None, zone: ZoneInfo) -> Every:
    """The schedule of an interval like `15m`; ScheduleProblem with the field that is wrong."""
    try:
        interval = parse_duration(text)
    except (ValueError, TypeError, OverflowError) as problem:
        raise ScheduleProblem("every", str(problem)) from None
    if interval < SHORTEST:
        raise ScheduleProblem("every", f"{text!r} is too short; an interval is 1s or longer")
    start = EPOCH if anchor is None else read_instant(anchor, zone, field="anchor").at
    return Every(interval, start, zone)


@lru_cache(maxsize=4096)
def _next_after(schedule: Every, instant: datetime) -> Slot | None:
    if instant >= _LATEST:
        return None
    if instant < schedule.anchor:
        at = schedule.anchor
    else:
        at = instant.astimezone(UTC)
        try:
            at += schedule.interval - (at - schedule.anchor) % schedule.interval
        except OverflowError:
            return None
    return Slot(instant_key(at), at, local_text(at, schedule.zone))
