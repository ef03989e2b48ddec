"""Runs that other systems execute: claimed here without a process, watched for silence, and called for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.daemon.definitions import Definitions
from runner.daemon.roster import Roster
from runner.daemon.telling import Telling
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.executed_elsewhere import is_external
from runner.operations.external_silence import next_moment, pass_time
from runner.operations.external_work import POLL, claim_for_call
from runner.operations.outcome import Finished, NotStarted
from runner.store.external_runs import LiveExternalRun
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import RunnerError

AGAIN = timedelta(seconds=2)
"""Before what did not come about is tried again."""


class Outside(Protocol):
    """How other systems are reached, and reach us."""

    @property
    def reachable(self) -> bool: ...
    def call(self) -> None:
        """There may be a webhook to call."""


class NoOutside:
    """Nobody reports, so nothing is claimed for another system."""

    reachable = False

    def call(self) -> None:
        """There is nobody to do it."""


class External:
    """`ids` are the live runs of other systems, `waiting` those that are not for a process to start."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        roster: Roster,
        telling: Telling,
        definitions: Definitions,
        outside: Outside,
        *,
        session: int,
        draw: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._roster = roster
        self._telling = telling
        self._definitions = definitions
        self._outside = outside
        self._session = session
        self._draw = draw
        self._changed = changed
        self._live: dict[int, LiveExternalRun] = {}
        self._told: dict[int, InstanceRecord] = {}
        self._has_looked = False
        self._instances: dict[int, InstanceRecord] = {}
        self._due: list[InstanceRecord] = []
        self._under_way: set[int] = set()
        self.waiting: set[int] = set()
        self.next_at: datetime | None = None
        self.stopped = False

    @property
    def ids(self) -> set[int]:
        """The live runs that have no process here."""
        return set(self._live)

    def take_in(self, reader: Reader, now: datetime) -> None:
        """See which runs there are, which wait, and which have been ended by a report since."""
        self._live = {each.run.instance_id: each for each in reader.external.live()}
        self._instances = {id: run for id in self._live if (run := reader.instances.get(id)) is not None}
        self._tell_ends(reader)
        waiting = self._waiting(reader)
        self.waiting.clear()  # the dispatcher looks at the same set
        self.waiting.update(instance.id for instance in waiting)
        called = [i for i in waiting if self._roster.external.get(i.job_uid) != POLL]
        self._due = sorted((i for i in called if i.due_at <= now), key=lambda i: (i.due_at, i.id))
        moments = [i.due_at for i in called if i.due_at > now]
        soon = now + AGAIN  # what is due is tried in this look, and if that changes nothing not at once again
        moments += [at if (at := self._moment(id)) > now else soon for id in self._instances]
        self.next_at = min(moments, default=None)

    def _waiting(self, reader: Reader) -> list[InstanceRecord]:
        """What another system is to execute, as its own definition says: the job's may be another by now."""
        found: list[InstanceRecord] = []
        for uid in self._roster.external:
            job = self._roster.jobs[uid]
            found += [
                i
                for i in reader.instances.unfinished_of(uid)
                if i.state == "SCHEDULED"
                and (i.digest == job.digest or is_external(reader.revisions.get(uid, i.digest) or {}))
            ]
        known = {instance.id for instance in found}
        strays = (reader.instances.get(id) for id in self.waiting - known)
        found += [
            i
            for i in strays
            if i is not None and i.state == "SCHEDULED" and i.job_uid not in self._roster.external
        ]
        return found

    def act(self, now: datetime) -> None:
        """Claim what is due, and let time pass for what is live."""
        if self.stopped:
            return
        for id in self._instances:
            if self._moment(id) <= now or self._instances[id].state == "STOPPING":
                self._pass_time(self._live[id], now)
        if self._outside.reachable:
            for instance in self._due:
                self._claim(instance, now)
        elif self._due:
            self._telling.trouble("starting external jobs", RunnerError(self._why_not()))

    def _why_not(self) -> str:
        job = self._due[0].job
        return (
            f"Job/{job} is executed by another system, and there is no listener for its reports; declare "
            "spec.web of the Runner (web: {} is one on loopback)"
        )

    def _moment(self, id: int) -> datetime:
        instance = self._instances[id]
        try:
            timeout_s = self._definitions.of(instance).timeout_s
        except Exception:  # its definition is gone or damaged: it ends without one
            timeout_s = None
        timeout = None if timeout_s is None else timedelta(seconds=timeout_s)
        return next_moment(self._live[id].run, instance, timeout)

    def _claim(self, instance: InstanceRecord, now: datetime) -> None:
        if instance.id in self._under_way:
            return
        self._under_way.add(instance.id)
        job = self._roster.jobs.get(instance.job_uid)

        def then(result: Claimed | NotStarted | Waits | None, problem: BaseException | None) -> None:
            self._under_way.discard(instance.id)
            match result:
                case Claimed(instance=claimed, replaced=replaced):
                    self._are_gone(replaced)
                    self._told[claimed.id] = claimed
                    self._telling.started(claimed)
                    self._outside.call()
                    self._changed()
                case NotStarted():
                    self._are_gone((result,))
                    self._changed()
                case Waits(replaced=replaced):  # asked again at the next look
                    self._are_gone(replaced)
            if problem is not None:
                self._telling.trouble_if_it_stays(
                    f"claiming instance {instance.id} of {instance.job}", problem
                )

        def work(tx: Transaction) -> Claimed | NotStarted | Waits | None:
            return None if self.stopped else claim_for_call(tx, instance, job, self._session, now)

        self._bridge.write(work, then)

    def _are_gone(self, results: tuple[NotStarted, ...]) -> None:
        for result in results:
            self._telling.not_started(result)

    def _pass_time(self, live: LiveExternalRun, now: datetime) -> None:
        id = live.run.instance_id
        if id in self._under_way:
            return
        self._under_way.add(id)
        draw = self._draw()

        def then(finished: Finished | None, problem: BaseException | None) -> None:
            self._under_way.discard(id)
            if problem is not None:
                self._telling.trouble_if_it_stays(f"looking after instance {id}", problem)
            if finished is not None:
                self._tell(id, finished)
                self._changed()

        self._bridge.write(lambda tx: pass_time(tx, live, now, draw), then)

    def _tell_ends(self, reader: Reader) -> None:
        """What a report has ended was written by another process; it is told here."""
        for id, instance in self._instances.items():
            if id in self._told or id in self._under_way:
                continue
            self._told[id] = instance
            if self._has_looked:  # its system has asked for it
                self._telling.started(instance)
        self._has_looked = True
        for id in [id for id in self._told if id not in self._live and id not in self._under_way]:
            now = reader.instances.get(id)
            was = self._told.pop(id)
            if now is not None and now.epoch == was.epoch:
                due = now.due_at if now.state == "SCHEDULED" else None
                self._telling.finished(
                    was, Finished(id, now.job, now.state, now.reason, due, now.error), None
                )

    def _tell(self, id: int, finished: Finished) -> None:
        instance = self._instances.get(id) or self._told.get(id)
        if instance is not None:
            self._telling.finished(instance, finished, None)
        if finished.state != "UNKNOWN":
            self._told.pop(id, None)
