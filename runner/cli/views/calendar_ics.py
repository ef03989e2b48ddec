"""The starts to come as iCalendar (RFC 5545), for people's calendars."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from runner.vocabulary.duration import format_duration

if TYPE_CHECKING:
    from runner.operations.starts_ahead import Ahead

SHORTEST = timedelta(minutes=1)
"""An event that lasts no time is shown by few programs."""

_FOLD = 75
"""Octets in a line at most (RFC 5545, 3.1)."""


class _Event(NamedTuple):
    """`name` makes the UID."""

    name: str
    begins: datetime
    ends: datetime
    summary: str
    text: str
    category: str
    is_off: bool = False


def ics(ahead: Ahead, now: datetime, installation_id: str) -> str:
    """A calendar in which each start is an event of its expected duration, all in UTC; lines end with CRLF.

    The same start has the same UID each time, so that a calendar that is imported again is updated.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//jobs-runner//schedule calendar//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:runner",
    ]
    for event in _events(ahead):
        lines += _lines(event, now, installation_id)
    return "".join(f"{folded}\r\n" for line in [*lines, "END:VCALENDAR"] for folded in _fold(line))


def _events(ahead: Ahead) -> Iterator[_Event]:
    for start in ahead.starts:
        name = f"{start.job} {start.schedule} {start.slot.key} {start.slot.at.isoformat()}"
        text = f"slot {start.slot.local} {start.zone}"
        text += f"; {', '.join(start.slot.marks)}" if start.slot.marks else ""
        off = "skipped" in start.slot.marks
        yield _Event(name, start.due_at, start.due_at + start.lasts, start.job, text, "start", off)
    for each in ahead.often:
        name = f"{each.job} {each.schedule} often {each.first.key}"
        text = f"{each.count} starts from {each.first.local} to {each.last.local}"
        yield _Event(name, each.first.at, each.last.at, f"{each.job} (often)", text, "often")
    for crowd in ahead.crowds:
        wait = format_duration(timedelta(seconds=round(crowd.longest_wait.total_seconds())))
        text = f"{crowd.waiting} starts wait for one of {ahead.parallel} places, up to {wait}: "
        text += ", ".join(crowd.jobs)
        name = f"pile-up {crowd.at.isoformat()}"
        yield _Event(name, crowd.at, crowd.until, "pile-up", text, "pile-up")


def _lines(event: _Event, now: datetime, installation_id: str) -> list[str]:
    uid = sha256(f"{installation_id} {event.name}".encode()).hexdigest()[:32]
    return [
        "BEGIN:VEVENT",
        f"UID:{uid}@jobs-runner",
        f"DTSTAMP:{_utc(now)}",
        f"DTSTART:{_utc(event.begins)}",
        f"DTEND:{_utc(max(event.ends, event.begins + SHORTEST))}",
        f"SUMMARY:{_escaped(event.summary)}",
        f"DESCRIPTION:{_escaped(event.text)}",
        f"CATEGORIES:{event.category}",
        *(["STATUS:CANCELLED"] if event.is_off else []),
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for character, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n"), ("\r", "")):
        text = text.replace(character, escaped)
    return text


def _fold(line: str) -> Iterator[str]:
    """In pieces of 75 octets at most, each further one begun with a blank; no character is torn apart."""
    piece, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > _FOLD:
            yield piece
            piece, size = " ", 1
        piece, size = piece + character, size + width
    yield piece
