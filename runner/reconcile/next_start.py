"""When would a job start next, and how is that said?"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from runner.schedules.end_date import end_date
from runner.schedules.fire_and_forget import FireAndForget
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule
from runner.schedules.trigger import TriggerSchedule
from runner.schedules.window import Window

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


AT_ONCE = "at once"


class NextStart(NamedTuple):
    """An instant (UTC), and the same on the clocks of its schedule's zone."""

    at: datetime
    local: datetime
    zone: str


def next_start(resolved: Mapping[str, Any], now: datetime) -> NextStart | None:
    """The earliest next slot over all schedules of a resolved job; None when there is none before its end."""
    if resolved.get("mode") == "manual":
        return None
    earliest, ends_at = None, end_of(resolved)
    for settings in (resolved.get("schedules") or {}).values():
        try:
            schedule = schedule_from(settings)
            at = now if _is_due(schedule, now) else _next(schedule, now)
        except ValueError:  # installed by another release; what it means is not this plan's question
            continue
        if at is not None and (earliest is None or at < earliest.at):
            zone = schedule.zone
            earliest = NextStart(at, at.astimezone(zone), getattr(zone, "key", str(zone)))
    return earliest if earliest is None or ends_at is None or earliest.at < ends_at else None


def triggers_of(resolved: Mapping[str, Any]) -> list[str]:
    """What starts a resolved job beside its slots, in words."""
    if resolved.get("mode") == "manual":
        return []
    found = []
    for settings in (resolved.get("schedules") or {}).values():
        with contextlib.suppress(ValueError):
            schedule = schedule_from(settings)
            if isinstance(schedule, TriggerSchedule):
                found.append(schedule.source.in_words)
    return found


def end_of(resolved: Mapping[str, Any]) -> datetime | None:
    """When its `validUntil` is over; a job that starts by itself has the zone of a schedule."""
    try:
        return end_date({"schedules": {}, **resolved}, "UTC")
    except ValueError:  # as above
        return None


def is_another_range(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether both have the windows of a range, and these begin at different moments: each has its run."""
    try:
        was, will = schedule_from(before), schedule_from(now)
    except ValueError:
        return False
    if not isinstance(was, Window) or not isinstance(will, Window) or will.each:
        return False
    return was.range_key != will.range_key


def _next(schedule: Schedule, now: datetime) -> datetime | None:
    slot = schedule.next_after(now)
    return None if slot is None else slot.at


def _is_due(schedule: Schedule, now: datetime) -> bool:
    """Whether a job that is released now starts at once: fire-and-forget, and in a range while it is open."""
    if isinstance(schedule, Window):
        opening = None if schedule.each else schedule.opening_at(now)
        return opening is not None and opening.may_start(now)
    return isinstance(schedule, FireAndForget)


def in_words(start: NextStart | None, now: datetime) -> str:
    """`Tue 02:00` within the next six days, with the date after that; `none` for None, `at once` for now."""
    if start is None:
        return "none"
    if start.at <= now:
        return AT_ONCE
    local, today = start.local, now.astimezone(start.local.tzinfo)
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    day = _DAYS[local.weekday()]
    if local - today < timedelta(days=6):
        return f"{day} {clock}"
    date = f"{day} {local.day} {_MONTHS[local.month - 1]}"
    return f"{date} {clock}" if local.year == today.year else f"{date} {local.year} {clock}"
