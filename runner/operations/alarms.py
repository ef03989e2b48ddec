"""What has the daemon seen of itself that a person should know: of its clock, loop, slots and zones?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from runner.lifecycle.holds import CLOCK_STEPPED
from runner.operations.concern import Concern
from runner.store.events import EventRecord
from runner.store.port import Reader

LATELY = timedelta(hours=24)
"""What is older is nobody's business today."""

EVENTS = 200
"""Of one daemon, the newest."""


def alarms(reader: Reader, now: datetime) -> Iterator[Concern]:
    """Of the daemon that runs or ran last; what is over is told no more."""
    yield from _clock(reader, now)
    session = next((each for each in reader.sessions.list(limit=20) if each.kind == "up"), None)
    if session is not None:
        lately = [e for e in reader.events.of("daemon", str(session.id), limit=EVENTS) if e.at > now - LATELY]
        yield from _watchdog(lately, ended=session.ended_at is not None)
    for name in reader.zones.all():
        for event in reader.events.of("tz-database", name, limit=1):
            if event.at > now - LATELY and event.details.get("moved"):
                hint = "runner schedule calendar"
                yield Concern("zones", name, event.at, event.why, hint, problem=False)


def _clock(reader: Reader, now: datetime) -> Iterator[Concern]:
    """While the starts are held because the clock was put far back."""
    for holds in reader.holds.all().values():
        for hold in holds:
            if hold.owner == CLOCK_STEPPED and (hold.until is None or hold.until > now):
                hint = "when the clock is right now: runner maintenance off"
                yield Concern("clock", "daemon", hold.since, hold.reason, hint, problem=True)
                return


def _watchdog(events: list[EventRecord], *, ended: bool) -> Iterator[Concern]:
    """`events`: newest first."""
    last = next((e for e in events if e.event in ("watchdog.stall", "watchdog.recovered")), None)
    if last is not None and last.event == "watchdog.stall" and not ended:
        yield Concern(
            "stuck", "daemon", last.at, last.why, "runner doctor; then restart the daemon", problem=True
        )
    forgotten = next((e for e in events if e.event == "watchdog.slot"), None)
    if forgotten is not None:
        yield Concern(
            "watchdog", "daemon", forgotten.at, forgotten.why, "runner jobs why NAME", problem=False
        )
