"""The parts that decide, start and record, put together on one loop; `up` and `run` both drive it."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable
from datetime import datetime
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
from runner.daemon.looking import Looking
from runner.daemon.obeying import Obeying
from runner.daemon.recorder import Recorder
from runner.daemon.recovery import Recovery
from runner.daemon.roster import Roster
from runner.daemon.scheduler import Scheduler
from runner.daemon.telling import Listener, Telling
from runner.daemon.triggers import Triggers
from runner.daemon.wake_ups import WakeUps
from runner.daemon.windows import WindowKeeper
from runner.execution.marks import kill_marked, mark_of
from runner.execution.processes import boot_id
from runner.execution.supervisor import Supervisor
from runner.store.port import Store

COLLECTION = (10_000, 20, 20)
"""Python looks for cycles after so many new objects. A burst makes far more that stay for a while, and next
to no cycles: with the usual 700 the looks took 6 % of the daemon's time in it."""


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
        self._clock = clock
        draw = random.random
        self._telling = Telling(listener, clock)
        self._bridge = Bridge(loop, store, trouble=self._telling.trouble, settled=self._settled)
        self._roster = Roster()
        self._looking = Looking(loop, store, self._bridge, clock, self._roster, self._telling)
        definitions = Definitions(store, state)
        self._lives = Lives(
            self._bridge,
            clock,
            self._roster,
            self._telling,
            definitions,
            draw=draw,
            look_soon=self._looking.soon,
        )
        self._recorder = Recorder(
            self._bridge,
            clock,
            boot_id=boot_id(),
            spec_of=self._lives.spec_of,
            draw=draw,
            vacated=self._lives.vacated,
            finished=self._lives.finished,
            target_ended=self._lives.target_ended,
            trouble=self._telling.trouble,
        )
        # What an earlier daemon left behind, before there is anything of this one.
        kill_marked(mark_of(state))
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
            looked=self._looking.arm,
            started=self._lives.started,
            cannot_start=self._lives.cannot_start,
            put_back=self._lives.put_back,
            to_stop=self._looking.soon,
        )
        self._windows = WindowKeeper(self._bridge, self._roster, self._telling, changed=self._looking.soon)
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
            draw=draw,
            changed=self._looking.soon,
        )
        self._dispatcher.not_ours = self._external.waiting
        self._dispatcher.found_external = self._looking.soon
        self._scheduler = Scheduler(
            self._bridge,
            clock,
            self._roster,
            ready=self._dispatcher.wake,
            changed=self._looking.arm,
            stale=self._looking.look,
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
            look_soon=self._looking.soon,
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
        self._looking.scheduler, self._looking.dispatcher = self._scheduler, self._dispatcher
        self._looking.triggers, self._looking.windows = self._triggers, self._windows
        self._looking.external, self._looking.obeying = self._external, self._obeying
        self._looking.housekeeping = Housekeeping(self._bridge, self._telling, changed=self._looking.soon)
        self._looking.ending = self.ending
        self._wake_ups = WakeUps(
            loop,
            store.path,
            knocked=self._looking.look,
            asked=self._looking.start_asked,
            changed=self._looking.database_changed,
            trouble=self._telling.trouble,
            drain=drain,
            sources=sources,
        )

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

    def tell_of_applies(self, installed: Callable[[], None]) -> None:
        """`installed` hears it now, and whenever something is applied, by whomever."""
        self._looking.installed = installed
        installed()

    def allow(self, parallel: int) -> None:
        """So many instances may run at the same time from now on."""
        self._dispatcher.parallel = parallel
        self._dispatcher.wake()

    def look(self) -> None:
        """Something may have changed: all is read again."""
        self._looking.look()

    async def stop(self, grace_s: float, waits: Tell = lambda _: None) -> int:
        """Start nothing more, evict what can resume, let the rest end within the grace, and stop what is left
        then; returns how many were stopped or evicted.

        Evicted is what reaches its next step or checkpoint, and after the grace what may be begun anew there.
        A step with `interruptible: false` is waited for, until its own timeout; `waits` hears of it.
        """
        self._scheduler.stopped = True
        self._dispatcher.stop()
        self._external.stopped = self._triggers.stopped = True
        self._looking.stop()
        stopped = await self.ending.carry_out(grace_s, waits)
        await self._triggers.stop()
        self._wake_ups.stop()  # last: who asks again for what is under way is heard, and waits with it
        return stopped

    def _settled(self) -> None:
        self.ending.settled()
