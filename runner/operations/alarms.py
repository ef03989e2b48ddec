"""What has the daemon seen of itself that a person should know: of its clock, loop, slots and zones?"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta

from runner.execution.still import still_now
from runner.lifecycle.holds import CLOCK_STEPPED
from runner.operations.concern import Concern
from runner.store.events import EventRecord
from runner.store.port import Reader

LATELY = timedelta(hours=24)
"""What is older is nobody's business today."""

EVENTS = 200
"""Of one daemon, the newest."""

STALLED, RECOVERED, SLOT = "watchdog.stall", "watchdog.recovered", "watchdog.slot"
STOPPED, HELD, FREED = "watchdog.stopped", "watchdog.held", "watchdog.freed"
"""What the daemon notes of itself: of its loop, of slots, and of the processes that it needs."""


def alarms(reader: Reader, now: datetime) -> Iterator[Concern]:
    """Of the daemon that runs or ran last; what is over is told no more."""
    yield from _clock(reader, now)
    session = next((each for each in reader.sessions.list(limit=20) if each.kind == "up"), None)
    if session is not None:
        lately = [e for e in reader.events.of("daemon", str(session.id), limit=EVENTS) if e.at > now - LATELY]
        is_here = session.host == socket.gethostname()
        yield from _watchdog(lately, ended=session.ended_at is not None, is_here=is_here)
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


def _watchdog(events: list[EventRecord], *, ended: bool, is_here: bool) -> Iterator[Concern]:
    """`events`: newest first; `is_here`: of a daemon of this machine, whose processes can be looked at."""
    last = next((e for e in events if e.event in (STALLED, RECOVERED)), None)
    if last is not None and last.event == STALLED and not ended:
        yield _stuck(last, last.details.get("go_on") or "runner doctor; then restart the daemon")
    of_processes = {e.details.get("pid"): e for e in reversed(events) if e.event in (HELD, FREED)}
    for event in () if ended else of_processes.values():
        if event.event == HELD and (not is_here or still_now(event.details["pid"]) is not None):
            yield _stuck(event, event.details["go_on"])
    forgotten = next((e for e in events if e.event == SLOT), None)
    if forgotten is not None:
        yield Concern(
            "watchdog", "daemon", forgotten.at, forgotten.why, "runner jobs why NAME", problem=False
        )


def _stuck(event: EventRecord, hint: str) -> Concern:
    return Concern("stuck", "daemon", event.at, event.why.removesuffix(f"; {hint}"), hint, problem=True)
