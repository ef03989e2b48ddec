"""Takes in what triggers jobs, and feeds it to them: starts of the daemon, files, ends of other jobs, and
what the listener has kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.due_feeds import REGARDLESS, DueFeeds
from runner.daemon.file_watch import FileWatch
from runner.daemon.roster import Roster
from runner.daemon.telling import Telling
from runner.daemon.watched_files import watched_files
from runner.operations.count_ends import Counted, Key, count_ends, has_ends, watch_feeds
from runner.operations.feed import Fed, feed
from runner.operations.start_up import start_up
from runner.schedules.trigger import AfterSource, FileSource, StartupSource, TriggerSchedule
from runner.store.arrivals import MOVING, TAKEN, WAITING
from runner.store.port import Reader, Store, Transaction

AT_ONCE = 20
"""Triggers fed in one transaction."""

AGAIN = timedelta(seconds=5)
"""Before it is tried again after a trouble."""

SHORTEST_S = 0.02

FAR_BEHIND = 5000
"""Events after which the place up to which ends are counted is written down, although none of them counted:
at the next start they are not to be gone through again.
"""


class NothingTaken(Exception):
    """A run that was to work through items took none."""


class Triggers:
    """`ready` hears that there is something to claim. Has a timer of its own for what is due later."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bridge: Bridge,
        store: Store,
        clock: Clock,
        roster: Roster,
        telling: Telling,
        *,
        project: Path,
        session: int,
        automatic: bool,
        ready: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._bridge = bridge
        self._store = store
        self._clock = clock
        self._roster = roster
        self._telling = telling
        self._project = project
        self._session = session
        self._ready = ready
        self._timer: asyncio.TimerHandle | None = None
        self._triggers: dict[Key, TriggerSchedule] = {}
        self._adopted: object = None
        self._upstream: tuple[str, ...] = ()
        self._watched_feeds: frozenset[Key] | None = None
        self._counted_until: int | None = None
        self._noted_until = 0
        self._count_is_due = False
        self._feeds = DueFeeds()
        self._interesting: frozenset[str] = frozenset()
        self._counting = False
        self._feeding = False
        self._started_up = False
        self._look_is_due = False
        self.stopped = not automatic
        self._files = FileWatch(
            store,
            now=clock.now,
            arrived=lambda: self._from_thread(self._look_soon),
            trouble=lambda doing, problem: self._from_thread(telling.trouble, doing, problem),
        )

    def ended(self, job_uid: str) -> None:
        """A run of that job has ended: its own items may go on, and those of jobs that come after it."""
        if job_uid in self._interesting:
            self._feeds.touch(job_uid)
            self._look_soon()

    def look(self) -> None:
        """Something may have arrived, or may be fed now."""
        self._look_is_due = False
        if self.stopped:
            return
        if self._adopted is self._roster.jobs and not (self._triggers or self._feeds.has_seen_any):
            return  # nothing triggers anything here
        now = self._clock.now()
        try:
            with self._store.read() as reader:
                self._take_in(reader, now)
        except Exception as problem:  # whatever it is, the engine goes on, and looks again
            self._telling.trouble("reading what has arrived", problem)
            return
        self._act(now)

    async def stop(self) -> None:
        """Take in nothing more."""
        self.stopped = True
        if self._timer is not None:
            self._timer.cancel()
        await self._loop.run_in_executor(None, self._files.stop)

    # -- what there is

    def _take_in(self, reader: Reader, now: datetime) -> None:
        jobs = self._roster.jobs
        is_new = self._adopted is not jobs
        if is_new:
            self._adopt(reader)
        if not (self._triggers or is_new or self._feeds.has_seen_any):
            return
        open_items = {
            key: own
            for key, own in reader.arrivals.counts().items()
            if any(state in own for state in (WAITING, TAKEN, MOVING))
        }
        if any(MOVING in own for own in open_items.values()):
            self._files.poke()
        ended = set()
        if any(TAKEN in own for own in open_items.values()):
            ended = {(each.item.job_uid, each.item.schedule) for each in reader.arrivals.given()}
        holds = reader.holds.all() if open_items else {}
        self._feeds.see(open_items, ended, holds, reader.serial(), now)
        if self._upstream:
            if self._counted_until is None:
                self._counted_until = self._noted_until = reader.feeds.cursor()
            found, last = has_ends(reader, self._upstream, self._counted_until)
            if found or last - self._noted_until >= FAR_BEHIND:
                self._count_is_due = True
                self._noted_until = last
            self._counted_until = last

    def _adopt(self, reader: Reader) -> None:
        """What is installed has changed, or who is held."""
        jobs = self._roster.jobs
        self._triggers = {
            (uid, named.name): named.schedule
            for uid, job in jobs.items()
            for named in job.schedules
            if isinstance(named.schedule, TriggerSchedule)
        }
        names = {
            name
            for each in self._triggers.values()
            if isinstance(each.source, AfterSource)
            for name in each.source.jobs
        }
        self._upstream = tuple(sorted(uid for uid, job in jobs.items() if job.name in names)) if names else ()
        self._interesting = frozenset({uid for uid, _ in self._triggers} | {*self._upstream})
        watched, roots = watched_files(
            reader, self._triggers, jobs, self._project, trouble=self._telling.trouble
        )
        self._files.adjust(watched, roots)
        self._adopted = jobs  # last: what could not be read to its end is read again

    # -- what follows

    def _act(self, now: datetime) -> None:
        self._note_feeds()
        if not self._started_up:
            self._start_up(now)
        if self._count_is_due and not self._counting:
            self._count(now)
        if self._feeds.are_any and not self._feeding:
            self._feed(now)
        self._arm()

    def _note_feeds(self) -> None:
        """Before anything is counted: from which event on it is, for triggers that are new."""
        after = frozenset(k for k, each in self._triggers.items() if isinstance(each.source, AfterSource))
        others = [k for k, each in self._triggers.items() if isinstance(each.source, FileSource)]
        if after == self._watched_feeds:
            return
        self._watched_feeds = after

        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._watched_feeds = None
                self._telling.trouble("noting which ends of jobs count", problem)
                self._loop.call_later(AGAIN.total_seconds(), self.look)

        self._bridge.write(lambda tx: watch_feeds(tx, sorted(after), others), done)

    def _start_up(self, now: datetime) -> None:
        self._started_up = True
        keys = [key for key, each in self._triggers.items() if isinstance(each.source, StartupSource)]
        if not keys:
            return

        def done(count: int | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._started_up = False
                self._telling.trouble("starting jobs because the daemon has started", problem)
                self._loop.call_later(AGAIN.total_seconds(), self.look)
            elif count:
                self._look_soon()

        self._bridge.write(lambda tx: start_up(tx, keys, self._session, now), done)

    def _count(self, now: datetime) -> None:
        keys = [key for key, each in self._triggers.items() if isinstance(each.source, AfterSource)]
        self._counting, self._count_is_due = True, False

        def done(counted: Counted | None, problem: BaseException | None) -> None:
            self._counting = False
            if problem is not None or counted is None:
                self._count_is_due = True
                self._telling.trouble("counting the ends of jobs", problem or RuntimeError("no result"))
                self._loop.call_later(AGAIN.total_seconds(), self.look)
                return
            self._count_is_due = self._count_is_due or counted.more
            self._feeds.add(counted.fed)
            if counted.fed or counted.more:
                self._look_soon()

        self._bridge.write(lambda tx: count_ends(tx, keys, now), done)

    def _feed(self, now: datetime) -> None:
        keys = self._feeds.take(AT_ONCE)
        self._feeding = True

        def work(tx: Transaction) -> list[Fed]:
            return [feed(tx, *key, now) for key in keys]

        def done(fed: list[Fed] | None, problem: BaseException | None) -> None:
            self._feeding = False
            if problem is not None or fed is None:
                if len(keys) > 1:  # one of them is to blame: the others are fed without it
                    for key in keys:
                        self._feed_alone(key, now)
                else:
                    self._failed(keys[0], now, problem)
            else:
                for key, each in zip(keys, fed, strict=True):
                    self._told(key, each, now)
            if self._feeds.are_any:
                self._look_soon()
            self._arm()

        self._bridge.write(work, done)

    def _feed_alone(self, key: Key, now: datetime) -> None:
        def done(fed: Fed | None, problem: BaseException | None) -> None:
            if fed is None:
                self._failed(key, now, problem)
            else:
                self._told(key, fed, now)
            self._arm()

        self._bridge.write(lambda tx: feed(tx, *key, now), done)

    def _told(self, key: Key, fed: Fed, now: datetime) -> None:
        self._feeds.fed(key, now, again_at=fed.again_at, more=fed.more)
        if fed.problem:
            self._telling.trouble("feeding items to a job", NothingTaken(fed.problem))
        if fed.instances:
            self._ready()
        source = getattr(self._triggers.get(key), "source", None)
        if isinstance(source, FileSource) and (fed.settled or fed.dropped or fed.instances):
            self._files.poke()  # there is room in its queue, and perhaps a file to move

    def _failed(self, key: Key, now: datetime, problem: BaseException | None) -> None:
        job = self._roster.jobs.get(key[0])
        name = job.name if job is not None else key[0]
        self._telling.trouble(f"feeding what arrived to Job/{name}", problem or RuntimeError("no result"))
        self._feeds.put_off(key, now + AGAIN)

    def _arm(self) -> None:
        """Look again when the first of the items is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        first = self._feeds.next_at()
        if first is not None and not self.stopped:
            delay_s = max((first - self._clock.now()).total_seconds(), SHORTEST_S)
            self._timer = self._loop.call_later(min(delay_s, REGARDLESS.total_seconds()), self.look)

    def _look_soon(self) -> None:
        """Many calls make one look."""
        if not self._look_is_due and not self.stopped:
            self._look_is_due = True
            self._loop.call_soon(self.look)

    def _from_thread(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:  # the loop is closed: the daemon has ended
            return
