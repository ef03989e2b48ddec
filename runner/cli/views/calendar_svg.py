"""The starts to come as a picture: a row for each day, a dot for each start, a bar for each pile-up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from runner.operations.starts_ahead import Ahead

LEFT, TOP, HOUR, ROW = 110, 40, 40, 36
LINE = 18
"""Of the text below the days."""
SHOWN = 20
"""So many of the jobs that start often are named; the rest is counted."""

_WIDTH = LEFT + 24 * HOUR + 20
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.grid{stroke:#ddd}.start{fill:#2463a8;fill-opacity:.75}"
    ".moved{fill:#c77700}.often{stroke:#2463a8;stroke-opacity:.35;stroke-width:3}"
    ".pile-up{fill:#c0392b;fill-opacity:.3}"
    "@media (prefers-color-scheme:dark){text{fill:#eee}.grid{stroke:#444}}"
)


def svg(ahead: Ahead) -> str:
    """Placed by the wall clock of the Runner's zone; each mark has its times as a title."""
    days = list(_days(ahead))
    below = list(_below(ahead))
    ends = TOP + len(days) * ROW
    height = ends + len(below) * LINE + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}"'
        f' height="{height}" role="img">',
        f"<title>{escape(f'Starts from {days[0]} to {days[-1]}, {ahead.zone.key}')}</title>",
        f"<style>{_STYLE}</style>",
    ]
    for hour in range(0, 25, 2):
        x = LEFT + hour * HOUR
        parts.append(f'<line class="grid" x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{ends}"/>')
        parts.append(f'<text x="{x}" y="{TOP - 14}" text-anchor="middle">{hour:02d}</text>')
    changed = {
        change.at.astimezone(ahead.zone).date() for zone, change in ahead.changes if zone == ahead.zone.key
    }
    for row, day in enumerate(days):
        y = TOP + row * ROW + ROW // 2
        parts.append(f'<text x="8" y="{y + 4}">{day:%a %d %b}</text>')
        if day in changed:
            parts.append(f'<text x="8" y="{y + 16}">clocks change</text>')
    place = {day: TOP + row * ROW + ROW // 2 for row, day in enumerate(days)}
    parts += [part for crowd in ahead.crowds for part in _bar(crowd.at, crowd.until, place, ahead,
              f"pile-up: {crowd.waiting} wait: {', '.join(crowd.jobs)}")]  # fmt: skip
    for start in ahead.starts:
        at = start.due_at.astimezone(ahead.zone)
        kind = "start moved" if start.slot.marks else "start"
        title = f"{start.job} {start.slot.local} {start.zone} {' '.join(start.slot.marks)}".rstrip()
        if at.date() in place:
            parts.append(
                f'<circle class="{kind}" cx="{_x(at):.1f}" cy="{place[at.date()]}" r="5">'
                f"<title>{escape(title)}</title></circle>"
            )
    for number, text in enumerate(below, 1):
        parts.append(f'<text x="{LEFT}" y="{ends + number * LINE}">{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _below(ahead: Ahead) -> Iterator[str]:
    """What no mark can say: what its colour means, and what starts too often for dots."""
    if any(start.slot.marks for start in ahead.starts):
        yield "orange: a change of the clocks moves or doubles the start"
    if ahead.crowds:
        yield f"red: a pile-up, in which more starts are due than {ahead.parallel} places"
    for each in ahead.often[:SHOWN]:
        yield f"often: {each.job}, {each.count} starts"
    if len(ahead.often) > SHOWN:
        yield f"often: {len(ahead.often) - SHOWN} more"


def _days(ahead: Ahead) -> Iterator[date]:
    day, last = (moment.astimezone(ahead.zone).date() for moment in (ahead.span[0], ahead.until))
    while day <= last:
        yield day
        day += timedelta(days=1)


def _x(at: datetime) -> float:
    return LEFT + (at.hour + at.minute / 60 + at.second / 3600) * HOUR


def _bar(begin: datetime, end: datetime, place: dict[date, int], ahead: Ahead, title: str) -> Iterator[str]:
    """One for each day that it touches."""
    first, last = begin.astimezone(ahead.zone), end.astimezone(ahead.zone)
    for day, y in place.items():
        if first.date() <= day <= last.date():
            left = _x(first) if day == first.date() else float(LEFT)
            right = _x(last) if day == last.date() else float(LEFT + 24 * HOUR)
            top, width = y - ROW // 2 + 2, max(right - left, 2)
            yield (
                f'<rect class="pile-up" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 4}">'
                f"<title>{escape(title)}</title></rect>"
            )
