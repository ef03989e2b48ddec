"""Gives free places to waiting instances, first due first, and starts them as processes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.definitions import Definitions
from runner.daemon.parked import Parked
from runner.daemon.roster import Roster
from runner.daemon.telling import Telling
from runner.execution.supervisor import Supervisor
from runner.operations.claim_instance import NOTHING, Claimed, Waits, claim_instance
from runner.operations.definition import Definition
from runner.operations.executed_elsewhere import is_external
from runner.operations.make_order import make_order
from runner.operations.outcome import NotStarted
from runner.operations.record_warnings import record_warnings
from runner.operations.whole_copies import WholeCopies
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Store, Transaction
from runner.vocabulary.errors import StoreUnavailable

PAUSE_S = 2.0
"""Before it is tried again, when the database could not be read or a claim failed."""


class Dispatcher:
    """Claims what is due while places are free. `running` maps an instance to its record, from its claim
    until its end is recorded.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bridge: Bridge,
        store: Store,
        supervisor: Supervisor,
        clock: Clock,
        roster: Roster,
        telling: Telling,
        definitions: Definitions,
        *,
        project: Path,
        state: Path,
        session: int,
        parallel: int,
        looked: Callable[[], None],
        started: Callable[[InstanceRecord], None],
        cannot_start: Callable[[InstanceRecord, Exception], None],
        put_back: Callable[[InstanceRecord], None],
        to_stop: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._bridge = bridge
        self._store = store
        self._supervisor = supervisor
        self._clock = clock
        self._roster = roster
        self._telling = telling
        self._definitions = definitions
        self._project = project
        self._state = state
        self._session = session
        self.parallel = parallel
        self._looked = looked
        self._started = started
        self._cannot_start = cannot_start
        self._put_back = put_back
        self._to_stop = to_stop
        self._copies = WholeCopies()
        self._queued = False
        self._pausing: asyncio.TimerHandle | None = None
        self.claiming: dict[int, InstanceRecord] = {}
        self.running: dict[int, InstanceRecord] = {}
        self._vacated: set[int] = set()
        self._parked = Parked()
        self.stopped = False
        self.next_due: datetime | None = None
        self.not_ours: set[int] = set()
        self.found_external: Callable[[], None] = looked
        self.fan_out: Callable[[InstanceRecord, Definition], None] | None = None

    @property
    def alive(self) -> int:
        """How many instances have a process, or may get one at any moment."""
        return len(self.running) - len(self._vacated) + len(self.claiming)

    def living(self) -> list[InstanceRecord]:
        """The instances that have a process."""
        return [instance for id, instance in self.running.items() if id not in self._vacated]

    def wake(self) -> None:
        """There may be something to start, or a place for it; many calls make one look."""
        if not self._queued:
            self._queued = True
            self._loop.call_soon(self._look)

    def ask_all_again(self) -> None:
        """What a waiting instance waits for may have come."""
        self._parked.clear()
        self.wake()

    def ask_all_now(self) -> None:
        """The same, without another turn of the loop."""
        self._parked.clear()
        self._look()

    def _look(self) -> None:
        self._queued = False
        self.next_due = None  # without a free place, the time brings nothing
        free = self.parallel - self.alive
        if not self.stopped and free > 0:
            try:
                self._give(free)
            except Exception as problem:
                self._telling.trouble("looking for what is due", problem)
                self._pause()
        self._looked()

    def _give(self, free: int) -> None:
        now = self._clock.now()
        limit = free + len(self._parked)
        with self._store.read() as reader:
            without = {*self.claiming, *self.not_ours}
            waiting = reader.instances.waiting(
                due_before=now, limit=limit, without=without, without_new_of=self._parked.behind
            )
            if len(waiting) < limit:
                self.next_due = reader.instances.next_due(after=now)
            asked = (instance for instance in waiting if instance not in self._parked)
            external = {instance.id for instance in asked if self._is_external(instance, reader)}
        if external:  # recorded since the last look
            self.not_ours |= external
            self.found_external()
            self.wake()  # there may be others behind them
        ours = [instance for instance in waiting if instance.id not in external]
        parked = len(self._parked)
        chosen = self._parked.in_turn(ours, self.claiming.values())[:free]
        if len(self._parked) > parked:
            self.wake()  # there may be others behind them
        prepared = [(instance, self._definition_or_none(instance)) for instance in chosen]
        for instance, definition in prepared:
            self._claim(instance, definition, now)

    def _is_external(self, instance: InstanceRecord, reader: Reader) -> bool:
        """Whether another system executes it; one without a definition is claimed, and says what is wrong."""
        try:
            return is_external(self._definitions.of(instance, reader).spec)
        except StoreUnavailable:
            raise
        except Exception:
            return False

    def _definition_or_none(self, instance: InstanceRecord) -> Definition | None:
        try:
            return self._definitions.of(instance)
        except StoreUnavailable:
            raise
        except Exception:  # it is claimed all the same, and its start says what is wrong
            return None

    def _claim(self, instance: InstanceRecord, definition: Definition | None, now: datetime) -> None:
        job = self._roster.jobs.get(instance.job_uid)
        self.claiming[instance.id] = instance
        steps, spec = (definition.new_steps, definition.spec) if definition else ((), NOTHING)

        def work(tx: Transaction) -> Claimed | NotStarted | Waits | None:
            if self.stopped:
                return None
            return claim_instance(tx, instance, job, steps, self._session, now, spec)

        def then(result: Claimed | NotStarted | Waits | None, problem: BaseException | None) -> None:
            self.claiming.pop(instance.id, None)
            match result:
                case Claimed(instance=claimed, replaced=replaced):
                    self._are_gone(replaced)
                    self._start(claimed)
                    return
                case NotStarted():
                    self._are_gone((result,))
                    self._parked.ended(instance)
                case Waits(replaced=replaced, stopping=stopping):
                    self._are_gone(replaced)
                    self._parked.waits(instance, self._roster.jobs.get(instance.job_uid))
                    if stopping:
                        self._to_stop()
            if problem is not None:
                self._parked.add(instance)
                self._pause()
                self._telling.trouble_if_it_stays(
                    f"claiming instance {instance.id} of {instance.job}", problem
                )
            self.wake()

        # A fan-out whose time is over ends here, and so does one that makes room: with all their targets.
        self._bridge.write(work, then, is_short=definition is not None and definition.fan_out is None)

    def _are_gone(self, results: Iterable[NotStarted]) -> None:
        for result in results:
            self._telling.not_started(result)

    def _pause(self) -> None:
        """Look again in a while."""
        if self._pausing is None and not self.stopped:
            self._pausing = self._loop.call_later(PAUSE_S, self._paused)

    def _paused(self) -> None:
        self._pausing = None
        self.ask_all_again()

    def _start(self, instance: InstanceRecord) -> None:
        self.running[instance.id] = instance
        if self.stopped:
            self._vacated.add(instance.id)
            self._put_back(instance)
            return
        warnings: list[str] = []
        try:
            definition = self._definitions.of(instance)
            if definition.fan_out is not None and self.fan_out is not None:
                self._started(instance)
                self.fan_out(instance, definition)
                return
            order = make_order(
                self._store,
                instance,
                definition,
                project=self._project,
                state=self._state,
                now=self._clock.now(),
                copies=self._copies,
                zone=self._roster.zone,
                warn=warnings.append,
            )
            self._supervisor.start(order)
            self._started(instance)
        except Exception as problem:
            self._warn(instance, warnings)
            self._cannot_start(instance, problem)
            self.vacated(instance.id)
        else:
            self._warn(instance, warnings)

    def _warn(self, instance: InstanceRecord, warnings: Sequence[str]) -> None:
        """Keep with the instance what was noticed at its start."""
        if not warnings:
            return
        now = self._clock.now()

        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._telling.trouble(f"keeping the warnings of instance {instance.id}", problem)

        self._bridge.write(lambda tx: record_warnings(tx, instance.id, warnings, now), done)

    def vacated(self, instance_id: int) -> None:
        """The instance's processes are gone: its place is free, while its end is being written.

        The next claim is written after that end, so overlap is still decided on what is true.
        """
        if instance_id in self.running:
            self._vacated.add(instance_id)
            self.wake()

    def ended(self, instance_id: int) -> None:
        """The instance's end is recorded."""
        had_its_place = instance_id not in self._vacated
        self._vacated.discard(instance_id)
        instance = self.running.pop(instance_id, None)
        others_wait_for_it = instance is not None and self._parked.ended(instance)
        if had_its_place or others_wait_for_it:
            self.wake()

    def stop(self) -> None:
        """Start nothing more."""
        self.stopped = True
        if self._pausing is not None:
            self._pausing.cancel()
