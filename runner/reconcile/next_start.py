"""When would a job start next, and how is that said?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from runner.schedules.kinds import schedule_from

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class NextStart(NamedTuple):
    """An instant (UTC), and the same on the clocks of its schedule's zone."""

    at: datetime
    local: datetime
    zone: str


def next_start(resolved: Mapping[str, Any], now: datetime) -> NextStart | None:
    """The earliest next slot over all schedules of a resolved job; None when it has none."""
    if resolved.get("mode") == "manual":
        return None
    earliest = None
    for settings in (resolved.get("schedules") or {}).values():
        try:
            schedule = schedule_from(settings)
            slot = schedule.next_after(now)
        except ValueError:  # installed by another release; what it means is not this plan's question
            continue
        if slot is not None and (earliest is None or slot.at < earliest.at):
            zone = schedule.zone
            earliest = NextStart(slot.at, slot.at.astimezone(zone), getattr(zone, "key", str(zone)))
    return earliest


def in_words(start: NextStart | None, now: datetime) -> str:
    """`Tue 02:00` within the next six days, with the date after that; `none` for None."""
    if start is None:
        return "none"
    local, today = start.local, now.astimezone(start.local.tzinfo)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    day = _DAYS[local.weekday()]
    if local - today < timedelta(days=6):
        return f"{day} {clock}"
    date = f"{day} {local.day} {_MONTHS[local.month - 1]}"
    return f"{date} {clock}" if local.year == today.year else f"{date} {local.year} {clock}"
