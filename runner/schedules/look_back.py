"""Which slot came last before a moment? Schedules only know their next one."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from runner.schedules.slot import Schedule, Slot

_REACHES = (
    timedelta(seconds=15),
    timedelta(minutes=5),
    timedelta(hours=2),
    timedelta(days=1),
    timedelta(days=8),
    timedelta(days=35),
    timedelta(days=370),
    timedelta(days=1500),
)
"""Growing, so that the last slot of a frequent schedule is found among few, and that of a rare one at all."""

_INSTANT = timedelta(microseconds=1)


def slot_until(schedule: Schedule, moment: datetime) -> Slot | None:
    """The latest slot at or before `moment`; None when there was none in four years."""
    for reach in _REACHES:
        last = deque(schedule.between(moment - reach, moment), maxlen=1)
        if last:
            return last.pop()
    return None


def slot_before(schedule: Schedule, moment: datetime) -> Slot | None:
    """The latest slot strictly before `moment`; None when there was none in four years."""
    return slot_until(schedule, moment - _INSTANT)
