"""The parts that decide, start and record, put together on one loop; `up` and `run` both drive it."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.definitions import Definitions
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.ending import Ending, Tell
from runner.daemon.external import External, NoOutside, Outside
from runner.daemon.fan_outs import FanOuts
from runner.daemon.housekeeping import Housekeeping
from runner.daemon.lives import Lives
from runner.daemon.obeying import Obeying
from runner.daemon.recorder import Recorder
from runner.daemon.recovery import Recovery
from runner.daemon.roster import Roster
from runner.daemon.scheduler import Scheduler
from runner.daemon.telling import Listener, Telling
from runner.daemon.triggers import Triggers
from runner.daemon.wake_ups import WakeUps
from runner.daemon.windows import WindowKeeper
from runner.execution.processes import boot_id, kill_marked
from runner.execution.supervisor import Supervisor, mark_of
from runner.store.port import Store

LONGEST_SLEEP = timedelta(seconds=30)
"""R14: a stepped clock is noticed within this time, and so is what nobody has told."""

LOOK_AFTER_START_S = 0.01
"""A start that somebody asked for comes first; what else there may be is looked at after that."""

COLLECTION = (10_000, 20, 20)
"""Python looks for cycles after so many new objects. A burst makes far more that stay for a while, and next
to no cycles: with the usual 700 the looks took 6 % of the daemon's time in it."""

BUSY_S = 2.0
"""While instances run, their own records change the database: it is looked at only so often then."""


class Engine:
    """Schedules, dispatches and records on `loop`, until `stop`. One per database, under its lock."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        store: Store,
        clock: Clock,
        listener: Listener,
        *,
        project: Path,
        state: Path,
        session: int,
        parallel: int,
        automatic: bool = True,
        supervisor: Callable[..., Supervisor] = Supervisor,
        drain: Callable[[], None] = lambda: None,
        sources: Callable[[], None] = lambda: None,
        outside: Outside | None = None,
    ) -> None:
        self._loop = loop
        self._store = store
        self._clock = clock
        self._draw = random.random
        self._telling = Telling(listener, clock)
        self._bridge = Bridge(loop, store, trouble=self._telling.trouble, settled=self._settled)
        self._roster = Roster()
        definitions = Definitions(store, state)
        self._lives = Lives(
            self._bridge,
            clock,
            self._roster,
            self._telling,
            definitions,
            draw=self._draw,
            look_soon=self._look_soon,
        )
        self._recorder = Recorder(
            self._bridge,
            clock,
            boot_id=boot_id(),
            spec_of=self._lives.spec_of,
            draw=self._draw,
            vacated=self._lives.vacated,
            finished=self._lives.finished,
            target_ended=self._lives.target_ended,
            trouble=self._telling.trouble,
        )
        kill_marked(
            mark_of(state)
        )  # what an earlier daemon left behind; before there is anything of this one
        self._supervisor = supervisor(
            loop, state=state, report=self._recorder.report, reported=self._bridge.hurry
        )
        self._recorder.supervisor = self._supervisor
        self._dispatcher = Dispatcher(
            loop,
            self._bridge,
            store,
            self._supervisor,
            clock,
            self._roster,
            self._telling,
            definitions,
            project=project,
            state=state,
            session=session,
            parallel=parallel,
            looked=self._arm,
            started=self._lives.started,
            cannot_start=self._lives.cannot_start,
            put_back=self._lives.put_back,
            to_stop=self._look_soon,
        )
        self._windows = WindowKeeper(self._bridge, self._roster, self._telling, changed=self._look_soon)
        self._fan_outs = FanOuts(
            loop,
            self._bridge,
            store,
            self._supervisor,
            clock,
            self._telling,
            project=project,
            state=state,
            zone_of=lambda: self._roster.zone,
            window_of=self._windows.window_of,
            cannot_start=self._lives.cannot_fan_out,
            finished=self._lives.fan_out_ended,
        )
        self._dispatcher.fan_out = self._fan_outs.begin
        self._external = External(
            self._bridge,
            clock,
            self._roster,
            self._telling,
            definitions,
            outside or NoOutside(),
            session=session,
            draw=self._draw,
            changed=self._look_soon,
        )
        self._dispatcher.not_ours = self._external.waiting
        self._dispatcher.found_external = self._look_soon
        self._scheduler = Scheduler(
            self._bridge,
            clock,
            self._roster,
            ready=self._dispatcher.wake,
            changed=self._arm,
            stale=self.look,
            later=loop.call_later,
            trouble=self._telling.trouble,
        )
        self._scheduler.stopped = not automatic
        self._triggers = Triggers(
            loop,
            self._bridge,
            store,
            clock,
            self._roster,
            self._telling,
            project=project,
            session=session,
            automatic=automatic,
            ready=self._dispatcher.wake,
        )
        self._recovery = Recovery(store, self._bridge, self._telling, done=self._dispatcher.ask_all_again)
        self._obeying = Obeying(
            self._bridge,
            self._telling,
            self._supervisor,
            self._dispatcher,
            self._fan_outs,
            self._external,
            self._recovery,
            finished=self._lives.finished,
            look_soon=self._look_soon,
        )
        self.ending = Ending(
            self._bridge,
            clock,
            self._supervisor,
            self._dispatcher,
            self._fan_outs,
            self._obeying,
            self._recorder,
        )
        self._lives.dispatcher, self._lives.fan_outs = self._dispatcher, self._fan_outs
        self._lives.obeying, self._lives.ending, self._lives.triggers = (
            self._obeying, self.ending, self._triggers,
        )  # fmt: skip
        self._housekeeping = Housekeeping(self._bridge, self._telling, changed=self._look_soon)
        self._wake_ups = WakeUps(
            loop,
            store.path,
            knocked=self.look,
            asked=self._start_asked,
            changed=self._database_changed,
            trouble=self._telling.trouble,
            drain=drain,
            sources=sources,
        )
        self._timer: asyncio.TimerHandle | None = None
        self._next_deadline: datetime | None = None
        self._job_ends: datetime | None = None
        self._looked_at_s = 0.0
        self._look_is_due = False

    @property
    def running(self) -> int:
        """How many instances run now."""
        return len(self._dispatcher.running)

    def next_start(self) -> tuple[datetime, str] | None:
        """The next slot of a visible job, and its name."""
        starts = (self._roster.next_start(), self._windows.goes_on)
        return min((start for start in starts if start is not None), default=None)

    def overdue(self, before: datetime) -> list[tuple[datetime, str]]:
        """Slots that should have been decided before that, with the names of their jobs."""
        return [] if self._scheduler.stopped else self._roster.overdue(before)

    def zones(self) -> set[str]:
        """The names of the zones of all schedules."""
        return {named.schedule.zone.key for job in self._roster.jobs.values() for named in job.schedules}

    def rearm(self) -> None:
        """Forget what is known of the jobs, read it again, and go on from the watermarks."""
        self._roster.forget()
        self.look()

    def start(self) -> None:
        """Recover what an earlier daemon left, take in what is installed, and begin."""
        gc.set_threshold(*COLLECTION)
        now = self._clock.now()
        self._recovery.at_start(now)
        self._wake_ups.start()
        self.look()

    # -- looking at what is, and sleeping until something is to be done

    def look(self, parallel: int | None = None) -> None:
        """Something may have changed: holds, objects, waiting instances, requests to stop; time passes."""
        self._look_is_due = False
        if self.ending.has_begun:
            self._obey_to_the_end()
            return
        if parallel is not None:
            self._dispatcher.parallel = parallel
        now = self._clock.now()
        self._looked_at_s = self._clock.boot_s()
        self._job_ends = None
        try:
            with self._store.read() as reader:
                hold_ended = bool(reader.holds.ending_before(now))
                is_new = self._roster.load(reader, self._store.installation_id, now)
                late = bool(reader.instances.late(now))
                overdue = bool(reader.instances.overdue(now))
                self._next_deadline = None if late or overdue else reader.instances.next_deadline()
                live = reader.instances.live()
                self._external.take_in(reader, now)
                self._windows.look(reader, now, is_new=is_new)
                done = self._roster.done(reader, now) if self._roster.one_time else []
        except Exception as problem:  # whatever it is, the engine goes on, and looks again
            self._telling.trouble("reading the database", problem)
            self._next_deadline = None
            self._arm(at_least_s=BUSY_S)
            return
        if is_new:
            for name, why in self._roster.unusable.items():
                self._telling.trouble(f"reading Job/{name}, which starts no more by itself", why)
        self._external.act(now)
        if hold_ended:
            self._housekeeping.end_holds(now)
        if late:
            self._housekeeping.expire(now)
        self._job_ends = self._roster.next_end(now)
        if over := self._roster.over(now):
            self._housekeeping.expire_jobs(over, now)
        self._windows.act(now)
        if done:
            self._housekeeping.finish_jobs(done, now)
        if overdue:
            self._obeying.force(live, now)
        self._obeying.obey(live, now)
        if self._roster.draining:
            self._housekeeping.remove_drained(now)
        self._scheduler.tick()
        self._triggers.look()
        self._dispatcher.ask_all_again()
        self._arm()

    def _obey_to_the_end(self) -> None:
        """A kill or a cancel is heard as long as anything runs."""
        try:
            with self._store.read() as reader:
                live = reader.instances.live()
        except Exception as problem:
            self._telling.trouble("reading the database", problem)
            return
        self._obeying.stop_what_is_to_stop(live)

    def _look_soon(self, after_s: float = 0.0) -> None:
        """Many calls make one look."""
        if not self._look_is_due:
            self._look_is_due = True
            self._loop.call_later(after_s, self.look)

    def _start_asked(self) -> None:
        """Somebody waits for this start, so it is not to wait for a look at everything."""
        self._dispatcher.ask_all_now()
        self._look_soon(LOOK_AFTER_START_S)

    def _database_changed(self) -> bool:
        """Somebody has written, perhaps this process itself: whether it was the time to look."""
        busy = self._dispatcher.alive or self._bridge.pending
        if busy and self._clock.boot_s() - self._looked_at_s < BUSY_S:
            return False
        self.look()
        return True

    def _arm(self, at_least_s: float = 0.0) -> None:
        """Sleep until the next slot, waiting instance, end of a hold or deadline; 30 s at most."""
        if self.ending.has_begun:
            return
        now = self._clock.now()
        instants = (
            self._scheduler.next_at(), self._dispatcher.next_due, self._roster.hold_ends, self._next_deadline,
            self._job_ends, self._external.next_at, self._windows.next_at,
        )  # fmt: skip
        wake_at = min((at for at in instants if at is not None), default=now + LONGEST_SLEEP)
        delay_s = min(max(wake_at - now, timedelta(0)), LONGEST_SLEEP).total_seconds()
        if self._timer is not None:
            if not at_least_s and self._timer.when() <= self._loop.time() + delay_s:
                return  # it looks earlier, and then sleeps on
            self._timer.cancel()
        self._timer = self._loop.call_later(max(delay_s, at_least_s), self._due)

    def _due(self) -> None:
        """The time has come for which the timer was set."""
        self._timer = None
        now = self._clock.now()
        ends = (
            self._roster.hold_ends, self._next_deadline, self._job_ends, self._external.next_at,
            self._windows.next_at,
        )  # fmt: skip
        long_ago = self._clock.boot_s() - self._looked_at_s >= LONGEST_SLEEP.total_seconds()
        if long_ago or any(at is not None and at <= now for at in ends):
            self.look()
            return
        self._scheduler.tick()
        self._dispatcher.wake()  # which arms the timer again

    # -- the end

    async def stop(self, grace_s: float, waits: Tell = lambda _: None) -> int:
        """Start nothing more, evict what can resume, let the rest end within the grace, and stop what is left
        then; returns how many were stopped or evicted.

        Evicted is what reaches its next step or checkpoint, and after the grace what may be begun anew there.
        A step with `interruptible: false` is waited for, until its own timeout; `waits` hears of it.
        """
        self._scheduler.stopped = True
        self._dispatcher.stop()
        self._external.stopped = self._triggers.stopped = True
        if self._timer is not None:
            self._timer.cancel()
        stopped = await self.ending.carry_out(grace_s, waits)
        await self._triggers.stop()
        self._wake_ups.stop()  # last: who asks again for what is under way is heard, and waits with it
        return stopped

    def _settled(self) -> None:
        self.ending.settled()
