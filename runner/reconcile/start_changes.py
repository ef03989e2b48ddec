"""Which starts does a changed schedule add, and which does it take away?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from runner.reconcile.next_start import NextStart, in_words
from runner.schedules.explain import offset_notes
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule
from runner.vocabulary.instants import to_text

HORIZON = timedelta(days=7)

MOST = 500
"""Starts of one schedule that are looked at; a schedule for every minute is compared over some hours."""

CLOCKS_AHEAD = timedelta(days=380)
"""How far the next changes of the clocks are looked for: both of a year."""

_SHOWN = 3


class Starts(NamedTuple):
    """The starts of a job in `(now, until]`, by its nominal slots, in order."""

    at: tuple[datetime, ...]
    until: datetime


class StartChanges(NamedTuple):
    """What is due after the change and was not before, and the other way round, until then."""

    gained: tuple[datetime, ...]
    lost: tuple[datetime, ...]
    until: datetime
    is_whole: bool
    """Whether that is the whole horizon."""

    def as_json(self) -> dict[str, Any]:
        """Counts, and the first of each."""
        return {
            "until": to_text(self.until),
            "gained": len(self.gained),
            "lost": len(self.lost),
            "first_gained": [to_text(at) for at in self.gained[:_SHOWN]],
            "first_lost": [to_text(at) for at in self.lost[:_SHOWN]],
        }


def starts_of(resolved: Mapping[str, Any], now: datetime, until: datetime, most: int = MOST) -> Starts:
    """What a resolved job starts by its schedules; up to an earlier time when that is very much."""
    found: set[datetime] = set()
    for schedule in _schedules(resolved):
        due = [slot.at for slot in islice(schedule.between(now, until), most + 1)]
        if len(due) > most:
            until = due[most - 1]
        found.update(due)
    return Starts(tuple(sorted(at for at in found if at <= until)), until)


def start_changes(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> StartChanges:
    """The difference between two resolved jobs; an empty map starts nothing."""
    whole = now + HORIZON
    was, will = starts_of(before, now, whole), starts_of(after, now, whole)
    until = min(was.until, will.until)
    had, has = ({at for at in each.at if at <= until} for each in (was, will))
    return StartChanges(tuple(sorted(has - had)), tuple(sorted(had - has)), until, until == whole)


def clock_changes(before: Mapping[str, Any], after: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """What the next changes of the clocks do to the starts, where that was otherwise before."""
    was = set(_notes(before, now))
    return tuple(note for note in _notes(after, now) if note not in was)


def in_a_sentence(
    changes: StartChanges, before: Mapping[str, Any], after: Mapping[str, Any], now: datetime
) -> str:
    """`next 7 days: 7 starts lost (Tue 02:00, …), 7 starts gained (Tue 03:00, …)`; empty without any."""
    both = ("lost", changes.lost, before), ("gained", changes.gained, after)
    said = [
        f"{len(starts)} start{'s' * (len(starts) != 1)} {what} ({_listed(starts, resolved, now)})"
        for what, starts, resolved in both
        if starts
    ]
    span = (
        f"next {HORIZON.days} days" if changes.is_whole else f"until {_in_words(changes.until, after, now)}"
    )
    return f"{span}: {', '.join(said)}" if said else ""


def _listed(starts: Sequence[datetime], resolved: Mapping[str, Any], now: datetime) -> str:
    words = ", ".join(_in_words(at, resolved, now) for at in starts[:_SHOWN])
    return f"{words}, …" if len(starts) > _SHOWN else words


def _in_words(at: datetime, resolved: Mapping[str, Any], now: datetime) -> str:
    zone = next((schedule.zone for schedule in _schedules(resolved)), at.tzinfo)
    return in_words(NextStart(at, at.astimezone(zone), str(zone)), now)


def _notes(resolved: Mapping[str, Any], now: datetime) -> Iterator[str]:
    for schedule in _schedules(resolved):
        yield from offset_notes(schedule, now, CLOCKS_AHEAD)


def _schedules(resolved: Mapping[str, Any]) -> Iterator[Schedule]:
    if resolved.get("mode") == "manual":
        return
    for settings in (resolved.get("schedules") or {}).values():
        try:
            yield schedule_from(settings)
        except ValueError:  # installed by another release; what it means is not this plan's question
            continue
