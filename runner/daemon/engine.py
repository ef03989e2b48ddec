"""The parts that decide, start and record, put together on one loop; `up` and `run` both drive it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.dispatcher import Dispatcher
from runner.daemon.recorder import Recorder
from runner.daemon.roster import Roster
from runner.daemon.scheduler import Scheduler
from runner.execution.order import Ended, Report
from runner.execution.processes import boot_id
from runner.execution.supervisor import Supervisor
from runner.operations.claim_instance import NotStarted
from runner.operations.end_holds import end_holds
from runner.operations.expire_waiting import expire_waiting
from runner.operations.fail_to_start import fail_to_start
from runner.operations.outcome import Finished
from runner.operations.recover import recover
from runner.operations.remove_drained import remove_drained
from runner.store.port import Store
from runner.store.records import InstanceRecord
from runner.vocabulary.errors import RunnerError

LONGEST_SLEEP = timedelta(seconds=30)
"""R14: a stepped clock is noticed within this time."""

POLL_S = 0.2
"""How often the database file is looked at, for writers that could not send a datagram."""

KILL_GRACE_S = 10.0
"""Between TERM and KILL, for work that is stopped."""


class Listener(Protocol):
    """Who wants to know what the engine does, in order to tell a person."""

    def recovered(self, finished: Finished) -> None: ...
    def started(self, instance: InstanceRecord) -> None: ...
    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None: ...
    def not_started(self, result: NotStarted) -> None: ...
    def removed(self, job: str) -> None: ...
    def trouble(self, doing: str, problem: BaseException) -> None: ...


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
    ) -> None:
        self._loop = loop
        self._store = store
        self._clock = clock
        self._listener = listener
        self._state = state
        self._wal = store.path.with_name(f"{store.path.name}-wal")
        self._bridge = Bridge(loop, store)
        self._roster = Roster()
        self._recorder = Recorder(
            self._bridge,
            clock,
            boot_id=boot_id(),
            spec_of=self._spec_of,
            draw=random.random,
            vacated=self._vacated,
            finished=self._finished,
            trouble=listener.trouble,
        )
        self._supervisor = Supervisor(loop, state=state, report=self._report)
        self._recorder.supervisor = self._supervisor
        self._dispatcher = Dispatcher(
            loop,
            self._bridge,
            store,
            self._supervisor,
            clock,
            self._roster,
            project=project,
            state=state,
            session=session,
            parallel=parallel,
            started=listener.started,
            not_started=listener.not_started,
            cannot_start=self._cannot_start,
            trouble=listener.trouble,
        )
        self._scheduler = Scheduler(
            self._bridge, clock, self._roster, ready=self._dispatcher.wake, trouble=listener.trouble
        )
        self._scheduler.stopped = not automatic
        self._timer: asyncio.TimerHandle | None = None
        self._poller: asyncio.TimerHandle | None = None
        self._socket: socket.socket | None = None
        self._seen: tuple[int, int] | None = None
        self._idle: asyncio.Event = asyncio.Event()
        self._stopping = False

    @property
    def running(self) -> int:
        """How many instances run now."""
        return len(self._dispatcher.running)

    def next_start(self) -> tuple[datetime, str] | None:
        """The next slot of a visible job, and its name."""
        return self._roster.next_start()

    def start(self) -> None:
        """Recover what an earlier daemon left, take in what is installed, and begin."""
        now = self._clock.now()
        for finished in self._store.transact(lambda tx: recover(tx, now)):
            self._listener.recovered(finished)
        self._listen()
        self.look()
        self._poll()

    def look(self, parallel: int | None = None) -> None:
        """Something may have changed: holds, objects, waiting instances, requests to stop; time passes."""
        if self._stopping:
            return
        if parallel is not None:
            self._dispatcher.parallel = parallel
        now = self._clock.now()
        try:
            with self._store.read() as reader:
                hold_ended = bool(reader.holds.ending_before(now))
                self._roster.load(reader, self._store.installation_id, now)
                late = bool(reader.instances.late(now))
                stopping = [i for i in reader.instances.live() if i.state == "STOPPING"]
        except RunnerError as problem:
            self._listener.trouble("reading the database", problem)
            self._arm()
            return
        if hold_ended:
            self._bridge.write(lambda tx: end_holds(tx, now), self._changed("ending holds"))
        if late:
            self._bridge.write(lambda tx: expire_waiting(tx, now), self._expired)
        for instance in stopping:
            if instance.id in self._dispatcher.running:
                self._supervisor.stop(instance.id, instance.epoch, grace_s=KILL_GRACE_S, why=instance.reason)
        if self._roster.draining:
            self._bridge.write(lambda tx: remove_drained(tx, now), self._removed)
        self._scheduler.tick()
        self._dispatcher.wake()
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._stopping:
            return
        now = self._clock.now()
        wake_at = min((at for at in (self._roster.next_at(), self._dispatcher.next_due) if at), default=None)
        delay = LONGEST_SLEEP if wake_at is None else min(max(wake_at - now, timedelta(0)), LONGEST_SLEEP)
        self._timer = self._loop.call_later(delay.total_seconds(), self._due)

    def _due(self) -> None:
        """The time of a slot, of a waiting instance, or the longest sleep has come."""
        now = self._clock.now()
        hold_ends = self._roster.hold_ends
        slept = self._roster.next_at() is None or (hold_ends is not None and hold_ends <= now)
        if slept:
            self.look()
            return
        self._scheduler.tick()
        self._dispatcher.wake()
        self._loop.call_soon(self._arm)

    def _changed(self, doing: str) -> Callable[[Any, BaseException | None], None]:
        def done(result: Any, problem: BaseException | None) -> None:
            if problem is not None:
                self._listener.trouble(doing, problem)
            elif result:
                self._loop.call_soon(self.look)

        return done

    def _expired(self, result: tuple[NotStarted, ...] | None, problem: BaseException | None) -> None:
        if problem is not None:
            self._listener.trouble("expiring waiting instances", problem)
        for entry in result or ():
            self._listener.not_started(entry)

    def _removed(self, result: tuple[str, ...] | None, problem: BaseException | None) -> None:
        if problem is not None:
            self._listener.trouble("removing drained jobs", problem)
        for name in result or ():
            self._listener.removed(name)

    def _report(self, report: Report) -> None:
        self._recorder.report(report)

    def _spec_of(self, instance_id: int) -> Mapping[str, Any]:
        return self._dispatcher.definition_of(self._dispatcher.running[instance_id]).spec

    def _vacated(self, instance_id: int) -> None:
        self._dispatcher.vacated(instance_id)

    def _cannot_start(self, instance: InstanceRecord, problem: RunnerError) -> None:
        spec = self._dispatcher.definition_of(instance).spec
        now = self._clock.now()

        def done(finished: Finished | None, failure: BaseException | None) -> None:
            if failure is not None:
                self._listener.trouble(f"recording instance {instance.id}", failure)
            self._finished(instance.id, finished, None)

        self._bridge.write(
            lambda tx: fail_to_start(tx, instance.id, instance.epoch, spec, now, str(problem)), done
        )

    def _finished(self, instance_id: int, finished: Finished | None, ended: Ended | None) -> None:
        instance = self._dispatcher.running.get(instance_id)
        self._dispatcher.ended(instance_id)
        if instance is not None and finished is not None:
            self._listener.finished(instance, finished, ended)
            if finished.due_at is not None or finished.job_failed:
                self._loop.call_soon(self.look)
        if self._stopping and not self._dispatcher.running:
            self._idle.set()

    def _listen(self) -> None:
        path = self._state / "wake.sock"
        path.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        mask = os.umask(0o177)
        try:
            listening.bind(os.path.relpath(path))  # sun_path holds 108 bytes only
        except OSError as problem:
            self._listener.trouble("listening for wake-ups (the file is polled instead)", problem)
            listening.close()
            return
        finally:
            os.umask(mask)
        self._socket = listening
        self._loop.add_reader(listening.fileno(), self._woken)

    def _woken(self) -> None:
        assert self._socket is not None
        try:
            while True:
                self._socket.recv(16)
        except BlockingIOError:
            pass
        self.look()

    def _poll(self) -> None:
        try:
            stat = self._wal.stat()
            seen = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            seen = None
        quiet = not self._dispatcher.running and not self._bridge.pending
        if seen != self._seen and quiet and not self._stopping:
            self.look()
        self._seen = seen
        self._poller = self._loop.call_later(POLL_S, self._poll)

    async def stop(self, grace_s: float) -> int:
        """Start nothing more, let work end within the grace, stop the rest; returns how many were stopped."""
        self._stopping = True
        self._scheduler.stopped = self._dispatcher.stopped = True
        for handle in (self._timer, self._poller):
            if handle is not None:
                handle.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            (self._state / "wake.sock").unlink(missing_ok=True)
        await self._drain(grace_s)
        stopped = list(self._dispatcher.running.values())
        for instance in stopped:
            self._supervisor.stop(instance.id, instance.epoch, grace_s=KILL_GRACE_S, why="shutdown")
        await self._drain(KILL_GRACE_S + 5)
        self._supervisor.close()
        return len(stopped)

    async def _drain(self, seconds: float) -> None:
        if self._dispatcher.running:
            self._idle.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), seconds)
