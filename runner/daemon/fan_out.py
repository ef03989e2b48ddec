"""One run over an inventory: gives its free places to its targets, and records how each of them ends.

What follows from an end is decided at once (runner.dispatch.tasks), and written in the same commit as the
start of the next target.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from runner.daemon.desk import Desk
from runner.daemon.run_times import RunTimes
from runner.daemon.target_records import TargetRecords
from runner.daemon.turns import Begun
from runner.dispatch.tasks import (
    Again,
    EndOfTry,
    FanOutRules,
    decide_end_of_try,
)
from runner.execution.order import Ended, ErrorInfo, Usage
from runner.operations.definition import Definition
from runner.operations.fail_to_start import code_of, is_lasting
from runner.operations.outcome import Finished
from runner.operations.worth_a_retry import worth_a_retry
from runner.store.instances import InstanceRecord
from runner.store.target_requests import TargetRequest
from runner.store.tasks import OpenTask, TaskRecord
from runner.vocabulary.errors import ChangedMeanwhile, RunnerError, TargetAtWork

PAUSE_S = 2.0
"""Before a start is tried again that the database did not take."""

TAKEN_PAUSE = timedelta(seconds=5)
"""Before a target is asked for again that a run of no daemon works on."""

KILL_GRACE_S = 10.0
"""Between TERM and KILL for a target."""

KILL = "kill"
"""The reason of a stop that has no grace."""


class FanOut:
    """Made when its targets are frozen; over when its end is recorded, which `desk.finished` hears."""

    def __init__(
        self, desk: Desk, instance: InstanceRecord, definition: Definition, tasks: Sequence[OpenTask]
    ) -> None:
        assert definition.fan_out is not None
        self.instance = instance._replace(targets=len(tasks))
        self._desk = desk
        self._definition = definition
        self._rules: FanOutRules = definition.fan_out
        self._inventory: str = definition.spec["tasks"]["inventory"]
        self._records = TargetRecords(desk, self.instance, definition)
        self._times = RunTimes(desk, self.instance, definition)
        self._turns = self._times.new_turns(self._rules, tasks)
        self._pausing = self._stopping = self._closed = self._over = False
        self._time_is_up = False
        self._asked: dict[str, TargetRequest] = {}
        self._seen = 0
        self._taken_elsewhere: dict[str, datetime] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._end_waits = False
        self._deadline = self._times.deadline

    def look(self) -> None:
        """Start what may start now; end the run when nothing is left to do."""
        if self._over:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_to_stop:
            self._start_more()
        if not self._turns.running and (self._turns.nothing_left or self._is_to_stop):
            self._end()

    def target_ended(self, ended: Ended) -> None:
        """Decide what follows for the target, record it, and give its place to the next one."""
        target = ended.target
        if target not in self._turns.running or self._over:
            return
        now = self._desk.clock.now()
        it, asked = self._turns.of(target), self._asked.pop(target, None)
        end = self._follows(it, ended, asked, now)
        self._turns.ended(target, end, ended.outcome)
        self._records.ended(target, it, end, ended, asked, now)
        self._desk.locks.release(self._inventory, target, self.instance.id)
        self.look()

    def obey(self, instance: InstanceRecord) -> None:
        """Do what the run's state asks for: stop, pause, or go on."""
        self._stopping = instance.state in ("STOPPING", "UNKNOWN")  # which it was made by a stop
        was_pausing, self._pausing = self._pausing, instance.state == "PAUSING"
        if instance.state == "STOPPING":
            grace_s = 0.0 if instance.reason == KILL else KILL_GRACE_S
            self.stop_targets(grace_s, instance.reason)
        elif self._pausing and not was_pausing and self._rules.on_pause == "interrupt":
            for target in self._turns.running:
                self._desk.supervisor.pause(self.instance.id, self.instance.epoch, target)
        elif was_pausing and not self._pausing:
            for target in self._turns.running:
                self._desk.supervisor.go_on(self.instance.id, self.instance.epoch, target)
        self.see_what_was_asked()
        self.look()

    def close_doors(self) -> None:
        """The daemon stops: no further target starts."""
        self._closed = True
        self.look()

    @property
    def is_shielded(self) -> bool:
        """Whether a target is in a step that a stop lets end first."""
        id, epoch = self.instance.id, self.instance.epoch
        return any(self._desk.supervisor.is_shielded(id, epoch, target) for target in self._turns.running)

    def stop_targets(self, grace_s: float, why: str) -> None:
        """Stop every target that has a process."""
        for target in self._turns.running:
            self._desk.supervisor.stop(
                self.instance.id, self.instance.epoch, grace_s=grace_s, why=why, target=target
            )

    def give_up(self) -> None:
        """Another owns the run: end the processes, and record nothing; unless its end is being recorded here,
        which a look may see in the database before anybody here has heard of it.
        """
        if self._over:
            return
        self.stop_targets(0.0, "given up")
        self._close(None)

    # -- what there is to do

    @property
    def _is_to_stop(self) -> bool:
        return self._pausing or self._stopping or self._closed or self._time_is_up

    def see_what_was_asked(self) -> None:
        """An operator may have cancelled a target, or made its next try due now (T6)."""
        now = self._desk.clock.now()
        waits = not self._is_to_stop and self._turns.waits_for_time(now)
        try:
            with self._desk.store.read() as reader:
                asked = reader.target_requests.of(self.instance.id)
                due = reader.tasks.due(self.instance.id, now) if waits else []
        except RunnerError as problem:  # it is asked again with the next look
            self._desk.telling.trouble(f"reading what is asked of instance {self.instance.id}", problem)
            return
        if due:
            self._turns.bring_forward(set(due), now)
        for request in asked:
            if request.id <= self._seen:
                continue
            self._seen = request.id
            if request.target in self._turns.running:
                self._asked[request.target] = request
                self._stop(request.target)
            else:
                self._cancel_waiting(request)

    def _cancel_waiting(self, request: TargetRequest) -> None:
        self._turns.drop(request.target)
        self._records.cancelled(request, self._desk.clock.now())

    def _stop(self, target: str) -> None:
        """End what runs of it; there may be nothing of it yet."""
        request = self._asked.get(target)
        at_once = request is not None and request.verb == KILL
        self._desk.supervisor.stop(
            self.instance.id,
            self.instance.epoch,
            grace_s=0.0 if at_once else KILL_GRACE_S,
            why=request.verb if request else "stopping",
            target=target,
        )

    def _start_more(self) -> None:
        now = self._desk.clock.now()
        if self._deadline is not None and self._deadline[0] <= now:
            self._time_is_over(now)
            return
        if not self._times.in_its_window(now):
            self._sleep(now, closed=True)
            return
        self._taken_elsewhere = {name: at for name, at in self._taken_elsewhere.items() if at > now}
        start, late = self._turns.next(now, self._may_take)
        for target in late:
            self._records.expired(target, now)
        for target in start:
            self._start(target, now)
        self._sleep(now)

    def _sleep(self, now: datetime, *, closed: bool = False) -> None:
        """Until the next try is due, or the time of the run is over."""
        ends = self._deadline[0] if self._deadline is not None else None
        tries = () if closed else (self._turns.next_at(), *self._taken_elsewhere.values())
        instants = [at for at in (ends, *tries) if at]
        if instants:
            delay_s = max((min(instants) - now).total_seconds(), 0.0)
            self._timer = self._desk.loop.call_later(min(delay_s, 30.0) + 0.001, self.look)

    # -- the time of the run as a whole

    def _time_is_over(self, now: datetime) -> None:
        assert self._deadline is not None
        intent = self._deadline[1]
        self._time_is_up = True  # nothing starts any more, also while that is being written
        self._end_waits = True

        def written() -> None:
            self.stop_targets(KILL_GRACE_S, intent)
            self._end_waits = False
            self.look()

        self._records.time_is_over(intent, now, written)

    # -- the life of one target

    def _may_take(self, target: str) -> bool:
        """Whether no other run works on it."""
        if target in self._taken_elsewhere:
            return False
        return self._desk.locks.take(self._inventory, target, self.instance.id, self.look)

    def _start(self, target: str, now: datetime) -> None:
        it = self._turns.of(target)
        before, it.state = it.state, "RUNNING"

        def started(task: TaskRecord | None, problem: BaseException | None) -> None:
            if self._over:
                self._desk.locks.release(self._inventory, target, self.instance.id)
                return
            if task is not None:
                self._run(task)
                return
            if not isinstance(problem, TargetAtWork | None):
                self._desk.telling.trouble(
                    f"starting target {target} of instance {self.instance.id}", problem
                )
            if isinstance(problem, ChangedMeanwhile):
                self.give_up()
                return
            self._not_started(target, before, now)
            if isinstance(problem, TargetAtWork):  # by a run that this daemon knows nothing of: UNKNOWN
                self._taken_elsewhere[target] = self._desk.clock.now() + TAKEN_PAUSE
                self.look()
            else:
                self._timer = self._desk.loop.call_later(PAUSE_S, self.look)

        self._records.start(target, it, before, now, started)

    def _not_started(self, target: str, before: str, now: datetime) -> None:
        self._desk.locks.release(self._inventory, target, self.instance.id)
        self._turns.put_back(target, before, now)
        request = self._asked.pop(target, None)
        if request is not None:
            self._cancel_waiting(request)

    def _run(self, task: TaskRecord) -> None:
        instance = self.instance
        try:
            self._desk.supervisor.start(self._desk.order(instance, self._definition, task))
        except Exception as problem:
            told = str(problem) or type(problem).__name__
            info = ErrorInfo(code_of(problem), told, retryable=not is_lasting(problem))
            nothing = Usage(0.0, 0)
            self.target_ended(
                Ended(instance.id, instance.epoch, "failed", info, {}, None, nothing, 0, task.target)
            )
            return
        if self._stopping or self._time_is_up or task.target in self._asked:
            self._stop(task.target)

    def _follows(self, it: Begun, ended: Ended, asked: TargetRequest | None, now: datetime) -> EndOfTry:
        if asked is None and ended.outcome == "sleeping" and ended.wake_at is not None:
            return Again(ended.wake_at, "interrupted")
        return decide_end_of_try(
            self._rules,
            ended.outcome,
            retryable=worth_a_retry(ended, self._definition.spec),
            resumes=self._definition.spec["onCrash"] == "resume",
            failures=it.failures,
            crashes=it.crashes,
            expires_at=it.expires_at,
            now=now,
            asked=asked.verb if asked else "",
        )

    # -- the end of the run

    def _end(self) -> None:
        if not self._end_waits:
            self._over = True
            self._records.finished(self._turns.stop, self._desk.clock.now(), self._close)

    def _close(self, finished: Finished | None) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._desk.finished(self.instance, finished)
