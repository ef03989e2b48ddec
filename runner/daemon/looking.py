"""What is there to do now, and when is there to be a look again?"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.ending import Ending
from runner.daemon.external import External
from runner.daemon.housekeeping import Housekeeping
from runner.daemon.obeying import Obeying
from runner.daemon.roster import Roster
from runner.daemon.scheduler import Scheduler
from runner.daemon.telling import Telling
from runner.daemon.triggers import Triggers
from runner.daemon.windows import WindowKeeper
from runner.operations.schedulable import SchedulableJob
from runner.store.instances import InstanceRecord
from runner.store.port import Store

LONGEST_SLEEP = timedelta(seconds=30)
"""R14: a stepped clock is noticed within this time, and so is what nobody has told."""

LOOK_AFTER_START_S = 0.01
"""A start that somebody asked for comes first; what else there may be is looked at after that."""

BUSY_S = 2.0
"""While instances run, their own records change the database: it is looked at only so often then."""


class _Seen(NamedTuple):
    """What a look has found beside what the parts remember of it by themselves."""

    hold_ended: bool
    is_new: bool  # what is installed
    late: bool  # something that waits
    overdue: bool  # something that runs
    live: Sequence[InstanceRecord]
    done: Sequence[SchedulableJob]


class Looking:
    """Of one engine, which names the parts below before anything starts. They do what a look finds; between
    two looks it sleeps until the first of them has something to do. `installed` hears that something was
    applied, by whomever.
    """

    scheduler: Scheduler
    dispatcher: Dispatcher
    triggers: Triggers
    windows: WindowKeeper
    external: External
    obeying: Obeying
    housekeeping: Housekeeping
    ending: Ending

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        bridge: Bridge,
        clock: Clock,
        roster: Roster,
        telling: Telling,
    ) -> None:
        self._loop = loop
        self._store = store
        self._bridge = bridge
        self._clock = clock
        self._roster = roster
        self._telling = telling
        self._timer: asyncio.TimerHandle | None = None
        self._next_deadline: datetime | None = None
        self._job_ends: datetime | None = None
        self._looked_at_s = 0.0
        self._rests_until_s = 0.0  # of the loop, after a look that failed
        self._is_due = False
        self._is_new = False  # what is installed, since the last look that came to its end
        self._serial: int | None = None  # of what `installed` has heard
        self.installed: Callable[[], None] = lambda: None

    def look(self) -> None:
        """Something may have changed: holds, objects, waiting instances, requests to stop; time passes."""
        self._is_due = False
        if self.ending.has_begun:
            self._obey_to_the_end()
            return
        now = self._clock.now()
        self._looked_at_s = self._clock.boot_s()
        self._job_ends = None
        try:
            seen = self._read(now)
        except Exception as problem:  # whatever it is, the engine goes on, and looks again
            self._telling.trouble("reading the database", problem)
            self._next_deadline = None
            self._looked_at_s, self._rests_until_s = -math.inf, self._loop.time() + BUSY_S
            self.scheduler.tick()
            self.dispatcher.wake()  # which arms the timer again
            return
        self._rests_until_s, self._is_new = 0.0, False
        self._act(seen, now)
        self.arm()

    def _read(self, now: datetime) -> _Seen:
        with self._store.read() as reader:
            hold_ended = bool(reader.holds.ending_before(now))
            self._is_new |= self._roster.load(reader, self._store.installation_id, now)
            late = bool(reader.instances.late(now))
            overdue = bool(reader.instances.overdue(now))
            self._next_deadline = None if late or overdue else reader.instances.next_deadline()
            live = reader.instances.live()
            self.external.take_in(reader, now)
            self.windows.look(reader, now, is_new=self._is_new)
            done = self._roster.done(reader, now) if self._roster.one_time else []
        return _Seen(hold_ended, self._is_new, late, overdue, live, done)

    def _act(self, seen: _Seen, now: datetime) -> None:
        if self._serial != self._roster.serial:
            self._serial = self._roster.serial
            self.installed()
        if seen.is_new:
            for name, why in self._roster.unusable.items():
                self._telling.trouble(f"reading Job/{name}, which starts no more by itself", why)
        self.external.act(now)
        if seen.hold_ended:
            self.housekeeping.end_holds(now)
        if seen.late:
            self.housekeeping.expire(now)
        self._job_ends = self._roster.next_end(now)
        if over := self._roster.over(now):
            self.housekeeping.expire_jobs(over, now)
        self.windows.act(now)
        if seen.done:
            self.housekeeping.finish_jobs(seen.done, now)
        if seen.overdue:
            self.obeying.force(seen.live, now)
        self.obeying.obey(seen.live, now)
        if self._roster.draining:
            self.housekeeping.remove_drained(now)
        self.scheduler.tick()
        self.triggers.look()
        self.dispatcher.ask_all_again()

    def _obey_to_the_end(self) -> None:
        """A kill or a cancel is heard as long as anything runs."""
        try:
            with self._store.read() as reader:
                live = reader.instances.live()
        except Exception as problem:
            self._telling.trouble("reading the database", problem)
            return
        self.obeying.stop_what_is_to_stop(live)

    # -- why there is a look

    def soon(self, after_s: float = 0.0) -> None:
        """Many calls make one look."""
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(after_s, self.look)

    def start_asked(self) -> None:
        """Somebody waits for this start, so it is not to wait for a look at everything."""
        self.dispatcher.ask_all_now()
        self.soon(LOOK_AFTER_START_S)

    def database_changed(self) -> bool:
        """Somebody has written, perhaps this process itself: whether it was the time to look."""
        busy = self.dispatcher.alive or self._bridge.pending
        if busy and self._clock.boot_s() - self._looked_at_s < BUSY_S:
            return False
        self.look()
        return True

    # -- sleeping until something is to be done

    def arm(self) -> None:
        """Sleep until the next slot, waiting instance, end of a hold or deadline; 30 s at most."""
        if self.ending.has_begun:
            return
        now = self._clock.now()
        instants = (
            self.scheduler.next_at(), self.dispatcher.next_due, self._roster.hold_ends, self._next_deadline,
            self._job_ends, self.external.next_at, self.windows.next_at,
        )  # fmt: skip
        wake_at = min((at for at in instants if at is not None), default=now + LONGEST_SLEEP)
        delay_s = min(max(wake_at - now, timedelta(0)), LONGEST_SLEEP).total_seconds()
        then_s = max(self._loop.time() + delay_s, self._rests_until_s)
        if self._timer is not None:
            if self._timer.when() <= then_s:
                return  # it looks earlier, and then sleeps on
            self._timer.cancel()
        self._timer = self._loop.call_at(then_s, self._time_has_come)

    def _time_has_come(self) -> None:
        """The time for which the timer was set."""
        self._timer = None
        now = self._clock.now()
        ends = (
            self._roster.hold_ends, self._next_deadline, self._job_ends, self.external.next_at,
            self.windows.next_at,
        )  # fmt: skip
        long_ago = self._clock.boot_s() - self._looked_at_s >= LONGEST_SLEEP.total_seconds()
        if long_ago or any(at is not None and at <= now for at in ends):
            self.look()
            return
        self.scheduler.tick()
        self.dispatcher.wake()  # which arms the timer again

    def stop(self) -> None:
        """Wake up by itself no more; a knock is still heard."""
        if self._timer is not None:
            self._timer.cancel()
