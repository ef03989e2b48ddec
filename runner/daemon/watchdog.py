"""Does the loop still turn, and is every slot decided in its time? Asked from a thread of its own.

Each alarm is told once, kept as an event, and set again by itself when what it told of is over.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from runner.daemon.clock import Clock
from runner.daemon.presence import Heartbeat
from runner.dispatch.clock_watch import STALL
from runner.execution.still import still_now
from runner.operations.alarms import FREED, RECOVERED, SLOT, STALLED
from runner.operations.note_clock import SUBJECT
from runner.store.port import Store
from runner.vocabulary.duration import format_duration
from runner.vocabulary.instants import to_the_second

LOOK_S = 30.0
"""Between two looks of the thread."""

BEATS = 6
"""Between two looks at the slots: a minute."""

OVERDUE = timedelta(minutes=2)
"""A slot that is older, of a job that nothing holds, was forgotten."""

WHO = "system:watchdog"
NAMED = 10
"""Jobs named in an alarm; the rest is counted."""


class Watched(Protocol):
    """What the watchdog asks of the engine, on its loop."""

    def overdue(self, before: datetime) -> Sequence[tuple[datetime, str]]:
        """Slots of jobs without a hold that should have been decided before, with the jobs' names."""

    def rearm(self) -> None:
        """Forget what is known in memory, and read it again."""


class Watchdog:
    """Watches from its making until `stop`. `told` hears each alarm, from whichever thread it comes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        heartbeat: Heartbeat,
        engine: Watched,
        session: int,
        told: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._heartbeat = heartbeat
        self._engine = engine
        self._session = session
        self._told = told
        self._loop_thread = threading.get_ident()
        self._loop_task = threading.get_native_id()
        self._stalled_since: datetime | None = None
        self._suspects: frozenset[tuple[datetime, str]] = frozenset()
        self._alarmed: frozenset[tuple[datetime, str]] = frozenset()
        self._beats = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        heartbeat.beaten = self.beaten
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._heartbeat.beaten = lambda: None
        self._stop.set()
        self._thread.join(timeout=5)

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            self.look_at_loop()

    def look_at_loop(self) -> None:
        """Whether the loop has ticked within two minutes in which the machine was awake."""
        silent = timedelta(seconds=self._clock.awake_s() - self._heartbeat.last.awake_s)
        now = self._clock.now()
        if silent >= STALL and self._stalled_since is None:
            self._stalled_since = self._heartbeat.last.wall
            text = f"the loop has not ticked for {_rounded(silent)}, and nothing is started meanwhile"
            stack = self._stack()
            still = still_now(os.getpid(), self._loop_task)
            if still is not None:  # its thread alone: this one goes on
                self.alarm(STALLED, f"{text}; it is {still.how}; {still.go_on}", now, go_on=still.go_on)
            else:
                self.alarm(STALLED, f"{text}; it is at {stack[-1] if stack else '?'}", now, stack=stack)
        elif silent < STALL and self._stalled_since is not None:
            lasted, self._stalled_since = _rounded(now - self._stalled_since), None
            self.alarm(RECOVERED, f"the loop ticks again, after {lasted}", now)

    def beaten(self) -> None:
        """On the loop, after each beat of the heart."""
        self._beats += 1
        if self._beats % BEATS == 0:
            self.look_at_slots()

    def look_at_slots(self) -> None:
        """What is overdue at two looks in a row was forgotten: told once, and everything is read again."""
        now = self._clock.now()
        found = frozenset(self._engine.overdue(now - OVERDUE))
        forgotten = (found & self._suspects) - self._alarmed
        self._suspects, self._alarmed = found, (self._alarmed & found) | forgotten
        if not forgotten:
            return
        names = sorted({name for _, name in forgotten})
        listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        oldest = min(at for at, _ in forgotten)
        text = f"slots of {listed} were not decided since {to_the_second(oldest)}: everything is read again"
        self._engine.rearm()
        self.alarm(SLOT, text, now, jobs=names[:100])

    def alarm(self, event: str, text: str, now: datetime, **details: Any) -> None:
        """Tell it, and keep it as an event. Told first: the database may be what it is about."""
        self._told(text)
        severity = "info" if event in (RECOVERED, FREED) else "error"
        self._store.submit(
            lambda tx: tx.events.append(
                SUBJECT,
                str(self._session),
                event,
                at=now,
                who=WHO,
                why=text,
                details={"severity": severity, **details},
            ),
            lambda result, problem: None,
        )

    def _stack(self) -> list[str]:
        """Where the loop's thread is, outermost first: places only, no values."""
        frame = sys._current_frames().get(self._loop_thread)
        if frame is None:
            return []
        return [f"{each.name} ({each.filename}:{each.lineno})" for each in traceback.extract_stack(frame)][
            -20:
        ]


def _rounded(lasted: timedelta) -> str:
    return format_duration(timedelta(seconds=round(lasted.total_seconds())))
