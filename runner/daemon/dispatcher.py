"""Gives free places to waiting instances, first due first, and starts them as processes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.roster import Roster
from runner.execution.supervisor import Supervisor
from runner.operations.claim_instance import Claimed, NotStarted, claim_instance
from runner.operations.definition import Definition, define
from runner.operations.make_order import make_order
from runner.store.port import Store, Transaction
from runner.store.records import InstanceRecord
from runner.vocabulary.errors import RunnerError, UnknownName

DEFINITIONS_KEPT = 256
"""Definitions kept in memory: enough for what runs at the same time, small beside the rest."""


class Dispatcher:
    """Claims what is due while places are free. `running` maps an instance to its record."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        bridge: Bridge,
        store: Store,
        supervisor: Supervisor,
        clock: Clock,
        roster: Roster,
        *,
        project: Path,
        state: Path,
        session: int,
        parallel: int,
        started: Callable[[InstanceRecord], None],
        not_started: Callable[[NotStarted], None],
        cannot_start: Callable[[InstanceRecord, RunnerError], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._loop = loop
        self._bridge = bridge
        self._store = store
        self._supervisor = supervisor
        self._clock = clock
        self._roster = roster
        self._project = project
        self._state = state
        self._session = session
        self.parallel = parallel
        self._started = started
        self._not_started = not_started
        self._cannot_start = cannot_start
        self._trouble = trouble
        self._claiming: set[int] = set()
        self._definitions: OrderedDict[tuple[str, str], Definition] = OrderedDict()
        self._queued = False
        self.running: dict[int, InstanceRecord] = {}
        self._vacated: set[int] = set()
        self.stopped = False
        self.next_due: datetime | None = None

    def wake(self) -> None:
        """There may be something to start, or a place for it; many calls make one look."""
        if not self._queued:
            self._queued = True
            self._loop.call_soon(self._look)

    def definition_of(self, instance: InstanceRecord) -> Definition:
        """The definition that the instance is pinned to."""
        key = (instance.job_uid, instance.digest)
        definition = self._definitions.get(key)
        if definition is None:
            with self._store.read() as reader:
                spec = reader.revisions.get(*key)
            if spec is None:
                raise UnknownName(f"revision {instance.digest} of Job/{instance.job} is not in the database")
            definition = self._definitions[key] = define(spec, self._state)
            if len(self._definitions) > DEFINITIONS_KEPT:
                self._definitions.popitem(last=False)
        else:
            self._definitions.move_to_end(key)
        return definition

    def _look(self) -> None:
        self._queued = False
        free = self.parallel - len(self.running) + len(self._vacated) - len(self._claiming)
        if self.stopped or free <= 0:
            return
        now = self._clock.now()
        with self._store.read() as reader:
            waiting = reader.instances.waiting(due_before=now, limit=free + len(self._claiming))
            if len(waiting) <= free:
                self.next_due = _later(reader.instances.next_due(), now)
        chosen = [instance for instance in waiting if instance.id not in self._claiming][:free]
        for instance in chosen:
            self._claiming.add(instance.id)
            self._claim(instance, now)

    def _claim(self, instance: InstanceRecord, now: datetime) -> None:
        instance_id = instance.id
        job = self._roster.jobs.get(instance.job_uid)
        steps = self.definition_of(instance).new_steps

        def work(tx: Transaction) -> Claimed | NotStarted | None:
            return claim_instance(tx, instance, job, steps, self._session, now)

        def then(result: Claimed | NotStarted | None, problem: BaseException | None) -> None:
            self._claiming.discard(instance_id)
            if problem is not None:
                self._trouble(f"claiming instance {instance_id}", problem)
            elif isinstance(result, Claimed):
                self._start(result.instance)
            elif isinstance(result, NotStarted):
                self._not_started(result)
                self.wake()

        self._bridge.write(work, then)

    def _start(self, instance: InstanceRecord) -> None:
        self.running[instance.id] = instance
        try:
            definition = self.definition_of(instance)
            order = make_order(self._store, instance, definition, project=self._project, state=self._state)
        except RunnerError as problem:
            self._cannot_start(instance, problem)
            return
        self._started(instance)
        self._supervisor.start(order)

    def vacated(self, instance_id: int) -> None:
        """The instance's processes are gone: its place is free, while its end is being written.

        The next claim is written after that end, so overlap is still decided on what is true.
        """
        self._vacated.add(instance_id)
        self.wake()

    def ended(self, instance_id: int) -> None:
        """The instance's end is recorded."""
        self._vacated.discard(instance_id)
        self.running.pop(instance_id, None)
        self.wake()


def _later(at: datetime | None, now: datetime) -> datetime | None:
    """`at` when it is still to come: what is due already waits for a place, not for the time."""
    return at if at is not None and at > now else None
