"""Which moment is meant by `02:30`, `yesterday 02:00` or `2026-10-25T02:30`, and which slot is that?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from runner.schedules import zones
from runner.schedules.slot import Schedule, ScheduleProblem, Slot, local_text, wall_key

ACCEPTED = "02:30, yesterday 02:00, 2026-10-25T02:30 (local times of the schedule) or 2026-10-25T00:30Z"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""What can be asked about; a calendar of computers ends in 9999, and a slot is looked for on both sides."""

_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(:(?P<second>[0-9]{2}))?"
_SPOKEN = re.compile(rf"((?P<day>{'|'.join(_DAYS)})\s+)?{_CLOCK}")
_WRITTEN = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"([Tt ](?P<time>[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?)(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)
_MINUTE, _SECOND, _DAY = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A moment as it was meant: `[at, at + span)`, a minute, a second or a day, as precisely as it was said.

    `wall` is the local time that was said, None for an instant. `mark`: `gap` for one that the clocks left
    out (`at` is then the end of the gap), `first` and `second` for one that they showed twice.
    """

    at: datetime
    span: timedelta
    wall: datetime | None = None
    mark: str = ""

    def local(self, zone: ZoneInfo) -> str:
        """What the clocks show at `at`, with the offset."""
        return local_text(self.at, zone)


def read_asked(text: str, zone: ZoneInfo, now: datetime) -> tuple[Asked, ...]:
    """What `text` means in a zone: one moment, or both of a local time that comes twice.

    ScheduleProblem when it is none.
    """
    said = text.strip()
    try:
        found = _spoken(said, zone, now) or _written(said, zone)
    except (ValueError, OverflowError):
        raise ScheduleProblem("TIME", f"{text[:60]!r} is no time; write it like {ACCEPTED}") from None
    if not all(EARLIEST.year <= each.at.year < LATEST.year for each in found):
        reach = f"{EARLIEST.year} to {LATEST.year - 1}"
        raise ScheduleProblem("TIME", f"{text[:60]!r} is further away than schedules reach ({reach})")
    return found


def slot_asked(schedule: Schedule, asked: Asked) -> Slot | None:
    """The slot of `schedule` that is meant; None when it has none at that moment.

    A local time in a gap is the slot of that name, although it is due at the end of the gap.
    """
    if asked.mark == "gap" and asked.wall is not None:
        key = wall_key(asked.wall, schedule.zone)
        found = next(schedule.between(asked.at - _INSTANT, asked.at), None)
        return found if found is not None and key in found.keys else None
    return next(schedule.between(asked.at - _INSTANT, asked.at + asked.span - _INSTANT), None)


def _spoken(said: str, zone: ZoneInfo, now: datetime) -> tuple[Asked, ...]:
    match = _SPOKEN.fullmatch(said.lower())
    if match is None:
        return ()
    day = zones.wall_time(zone, now).date() + timedelta(days=_DAYS[match["day"] or "today"])
    wall = _on(day, match["hour"], match["minute"], match["second"])
    return _of_wall(wall, zone, _SECOND if match["second"] else _MINUTE)


def _on(day: date, hour: str, minute: str, second: str | None) -> datetime:
    return datetime(day.year, day.month, day.day, int(hour), int(minute), int(second or 0))  # noqa: DTZ001


def _written(said: str, zone: ZoneInfo) -> tuple[Asked, ...]:
    match = _WRITTEN.fullmatch(said)
    if match is None:
        raise ValueError(said)
    if match["time"] is None:
        midnight = datetime.fromisoformat(match["date"])
        first, next_ = (zones.due_instant(zone, wall).at for wall in (midnight, midnight + _DAY))
        return (Asked(first, next_ - first),)
    span = _SECOND if match["time"].count(":") > 1 else _MINUTE
    moment = datetime.fromisoformat(f"{match['date']}T{match['time']}{(match['offset'] or '').upper()}")
    if moment.tzinfo is not None:
        return (Asked(moment.astimezone(UTC), span),)
    return _of_wall(moment, zone, span)


def _of_wall(wall: datetime, zone: ZoneInfo, span: timedelta) -> tuple[Asked, ...]:
    due = zones.due_instant(zone, wall)
    if due.mark != "fold":
        return (Asked(due.at, span, wall, due.mark),)
    second = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return Asked(due.at, span, wall, "first"), Asked(second, span, wall, "second")
