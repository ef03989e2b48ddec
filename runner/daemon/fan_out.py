"""One run over an inventory: gives its free places to its targets, and records how each of them ends.

What follows from an end is decided at once (runner.dispatch.tasks), and written in the same commit as the
start of the next target.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from runner.dispatch.tasks import (
    Again,
    EndOfTry,
    FanOutRules,
    Go,
    Lost,
    NextWave,
    Stop,
    Succeeded,
    Wave,
    decide_end_of_try,
    decide_more,
    wave_sizes,
)
from runner.execution.order import Ended, ErrorInfo, Usage
from runner.lifecycle.task import TASK
from runner.operations.definition import Definition
from runner.operations.fail_to_start import code_of, is_lasting
from runner.operations.finish_fan_out import finish_fan_out, stop_in_time
from runner.operations.finish_instance import problem_of
from runner.operations.outcome import EXPIRED, TIMEOUT, Finished
from runner.operations.run_target import Tally, expire_target, finish_target, start_target
from runner.operations.worth_a_retry import worth_a_retry
from runner.store.records import InstanceRecord, OpenTask, TaskRecord
from runner.vocabulary.errors import ChangedMeanwhile

if TYPE_CHECKING:
    from runner.daemon.fan_outs import Desk

PAUSE_S = 2.0
"""Before a start is tried again that the database did not take."""

KILL_GRACE_S = 10.0
"""Between TERM and KILL for a target."""

KILL = "kill"
"""The reason of a stop that has no grace."""


@dataclass(slots=True)
class _Begun:
    """A target that has been started once at least."""

    position: int
    state: str
    expires_at: datetime
    failures: int
    crashes: int


class FanOut:
    """Made when its targets are frozen; over when its end is recorded, which `desk.finished` hears."""

    def __init__(
        self, desk: Desk, instance: InstanceRecord, definition: Definition, tasks: Sequence[OpenTask]
    ) -> None:
        assert definition.fan_out is not None
        self.instance = replace(instance, targets=len(tasks))
        self._desk = desk
        self._definition = definition
        self._rules: FanOutRules = definition.fan_out
        self._sizes = wave_sizes(self._rules.waves, len(tasks))
        self._fresh: deque[tuple[int, str]] = deque()
        self._retries: list[tuple[datetime, int, str]] = []
        self._begun: dict[str, _Begun] = {}
        self._running: set[str] = set()
        self._number = 0  # of the wave under way, from 0
        self._wave_end = 0
        self._wave = Wave(0)
        self._ended = self._failed = 0
        self._stop: Stop | None = None
        self._pausing = self._stopping = self._closed = self._over = False
        self._timer: asyncio.TimerHandle | None = None
        self._end_waits = False
        self._deadline = self._set_deadline()
        self._take(tasks)

    def look(self) -> None:
        """Start what may start now; end the run when nothing is left to do."""
        if self._over:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not (self._pausing or self._stopping or self._closed) and self._stop is None:
            self._start_more()
        if not self._running and (self._nothing_left or self._is_to_stop):
            self._end()

    def target_ended(self, ended: Ended) -> None:
        """Decide what follows for the target, record it, and give its place to the next one."""
        target = ended.target
        if target not in self._running or self._over:
            return
        now = self._desk.clock.now()
        it = self._begun[target]
        error = None if ended.outcome in ("succeeded", "stopped", "sleeping") else problem_of(ended)
        end = self._follows(it, ended, now)
        self._running.discard(target)
        self._note(target, it, end, ended.outcome)
        self._record(target, it, end, error, ended, now)
        self.look()

    def obey(self, instance: InstanceRecord) -> None:
        """Do what the run's state asks for: stop, pause, or go on."""
        self._stopping = instance.state == "STOPPING"
        was_pausing, self._pausing = self._pausing, instance.state == "PAUSING"
        if self._stopping:
            grace_s = 0.0 if instance.reason == KILL else KILL_GRACE_S
            self.stop_targets(grace_s, instance.reason)
        elif self._pausing and not was_pausing and self._rules.on_pause == "interrupt":
            for target in self._running:
                self._desk.supervisor.pause(self.instance.id, self.instance.epoch, target)
        elif was_pausing and not self._pausing:
            for target in self._running:
                self._desk.supervisor.go_on(self.instance.id, self.instance.epoch, target)
        self.look()

    def close_doors(self) -> None:
        """The daemon stops: no further target starts."""
        self._closed = True
        self.look()

    @property
    def is_shielded(self) -> bool:
        """Whether a target is in a step that a stop lets end first."""
        id, epoch = self.instance.id, self.instance.epoch
        return any(self._desk.supervisor.is_shielded(id, epoch, target) for target in self._running)

    def stop_targets(self, grace_s: float, why: str) -> None:
        """Stop every target that has a process."""
        for target in self._running:
            self._desk.supervisor.stop(
                self.instance.id, self.instance.epoch, grace_s=grace_s, why=why, target=target
            )

    def give_up(self) -> None:
        """Another owns the run: end the processes, and record nothing."""
        self.stop_targets(0.0, "given up")
        self._close(None)

    # -- what there is to do

    def _take(self, tasks: Sequence[OpenTask]) -> None:
        """Go on from what is recorded: a first start has nothing but fresh targets."""
        states: list[str] = [""] * len(tasks)
        for place, task in enumerate(tasks):
            states[place] = task.state
            if task.attempt:
                expires_at = task.expires_at or self._expires_at(self._desk.clock.now())
                self._begun[task.target] = _Begun(place, task.state, expires_at, task.failures, task.crashes)
            if task.state == "SCHEDULED":
                self._fresh.append((place, task.target))
            elif task.state == "RESCHEDULED":
                due = task.next_try_at or self._desk.clock.now()
                heapq.heappush(self._retries, (due, place, task.target))
            self._ended += task.state in TASK.terminal
            self._failed += task.state == "FAILED"
        first = 0
        for number, size in enumerate(self._sizes):
            those = states[first : first + size]
            self._number, self._wave_end = number, first + size
            self._wave = Wave(size, sum(state in TASK.terminal for state in those), those.count("SUCCEEDED"))
            if self._wave.ended < size:
                break
            first += size

    @property
    def _nothing_left(self) -> bool:
        return self._stop is not None or not (self._fresh or self._retries)

    @property
    def _is_to_stop(self) -> bool:
        return self._pausing or self._stopping or self._closed

    def _start_more(self) -> None:
        now = self._desk.clock.now()
        if self._deadline is not None and self._deadline[0] <= now:
            self._time_is_over(now)
            return
        self._expire_late(now)
        while True:
            decision = decide_more(
                self._rules,
                self._wave,
                number=self._number + 1,
                waves=len(self._sizes),
                failed=self._failed,
                running=len(self._running),
            )
            match decision:
                case Stop():
                    self._stop = decision
                    return
                case NextWave():
                    if self._number + 1 >= len(self._sizes):
                        return
                    self._number += 1
                    self._wave = Wave(self._sizes[self._number])
                    self._wave_end += self._wave.size
                case Go(places=places):
                    for _ in range(places):
                        target = self._next(now)
                        if target is None:
                            break
                        self._start(target, now)
                    self._sleep(now)
                    return

    def _expire_late(self, now: datetime) -> None:
        """T9: a try that is due, and was not made before the target's time was over, is not made any more."""
        kept = []
        while self._retries and self._retries[0][0] <= now:
            due = heapq.heappop(self._retries)
            it = self._begun[due[2]]
            if it.expires_at > now:
                kept.append(due)
                continue
            it.state = "FAILED"
            self._lose()
            self._record_expiry(due[2], now)
        for due in kept:
            heapq.heappush(self._retries, due)

    def _next(self, now: datetime) -> str | None:
        """What waits longest for its next try goes before what has not begun; None when nothing is due."""
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        if self._fresh and self._fresh[0][0] < self._wave_end:
            position, target = self._fresh.popleft()
            self._begun[target] = _Begun(position, "SCHEDULED", self._expires_at(now), 0, 0)
            return target
        return None

    def _expires_at(self, now: datetime) -> datetime:
        own = now + self._rules.expires_in
        return min(own, self.instance.expires_at) if self.instance.expires_at is not None else own

    def _sleep(self, now: datetime) -> None:
        """Until the next try is due, or the time of the run is over."""
        instants = (
            [self._retries[0][0]] if self._retries and len(self._running) < self._rules.parallel else []
        )
        if self._deadline is not None:
            instants.append(self._deadline[0])
        if instants:
            delay_s = max((min(instants) - now).total_seconds(), 0.0)
            self._timer = self._desk.loop.call_later(min(delay_s, 30.0) + 0.001, self.look)

    # -- the time of the run as a whole

    def _set_deadline(self) -> tuple[datetime, str] | None:
        ends: list[tuple[datetime, str]] = []
        if self.instance.expires_at is not None:
            ends.append((self.instance.expires_at, EXPIRED))
        if self._definition.timeout_s is not None:
            began = self.instance.started_at or self._desk.clock.now()
            ends.append((began + timedelta(seconds=self._definition.timeout_s), TIMEOUT))
        return min(ends, default=None)

    def _time_is_over(self, now: datetime) -> None:
        assert self._deadline is not None
        intent = self._deadline[1]
        self._stopping = True  # nothing starts any more, also while that is being written

        def done(_: bool | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"ending instance {self.instance.id} in time", problem)
            self.stop_targets(KILL_GRACE_S, intent)
            self._end_waits = False
            self.look()

        self._end_waits = True
        self._desk.bridge.record(
            f"that the time of instance {self.instance.id} is over",
            lambda tx: stop_in_time(tx, self.instance, intent, now),
            done,
        )

    # -- the life of one target

    def _start(self, target: str, now: datetime) -> None:
        self._running.add(target)
        it = self._begun[target]
        before, it.state = it.state, "RUNNING"

        def work(tx: Any) -> TaskRecord:
            return start_target(
                tx,
                self.instance,
                target,
                self._definition.new_steps,
                before=before,
                expires_at=it.expires_at,
                now=now,
            )

        def started(task: TaskRecord | None, problem: BaseException | None) -> None:
            if self._over:
                return
            if isinstance(problem, ChangedMeanwhile):
                self._desk.telling.trouble(
                    f"starting target {target} of instance {self.instance.id}", problem
                )
                self.give_up()
            elif task is None:
                if problem is not None:
                    self._desk.telling.trouble(
                        f"starting target {target} of instance {self.instance.id}", problem
                    )
                self._running.discard(target)
                it.state = before
                if before == "SCHEDULED":
                    self._fresh.appendleft((it.position, target))
                else:
                    heapq.heappush(self._retries, (now, it.position, target))
                self._timer = self._desk.loop.call_later(PAUSE_S, self.look)
            else:
                self._run(task)

        self._desk.bridge.write(work, started)

    def _run(self, task: TaskRecord) -> None:
        instance = self.instance
        try:
            self._desk.supervisor.start(self._desk.order(instance, self._definition, task))
        except Exception as problem:
            told = str(problem) or type(problem).__name__
            info = ErrorInfo(code_of(problem), told, retryable=not is_lasting(problem))
            nothing = Usage(0.0, 0)
            self.target_ended(
                Ended(instance.id, instance.epoch, "failed", info, {}, None, None, nothing, 0, task.target)
            )
            return
        if self._stopping:
            self._desk.supervisor.stop(
                instance.id, instance.epoch, grace_s=KILL_GRACE_S, why="stopping", target=task.target
            )

    def _follows(self, it: _Begun, ended: Ended, now: datetime) -> EndOfTry:
        if ended.outcome == "sleeping" and ended.wake_at is not None:
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
        )

    def _note(self, target: str, it: _Begun, end: EndOfTry, outcome: str) -> None:
        match end:
            case Again(at=at, reason=reason):
                it.state = "RESCHEDULED"
                it.failures += reason == "retry"
                it.crashes += outcome == "crashed"
                heapq.heappush(self._retries, (at, it.position, target))
            case Succeeded():
                it.state = "SUCCEEDED"
                self._ended += 1
                self._wave = Wave(self._wave.size, self._wave.ended + 1, self._wave.succeeded + 1)
            case Lost():
                it.state = "FAILED"
                it.failures += 1
                self._lose()

    def _lose(self) -> None:
        self._ended += 1
        self._failed += 1
        self._wave = Wave(self._wave.size, self._wave.ended + 1, self._wave.succeeded)

    def _record_expiry(self, target: str, now: datetime) -> None:
        what = f"that target {target} of instance {self.instance.id} has expired"
        tally = Tally(self._ended, self._failed)

        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"recording {what}", problem)

        self._desk.bridge.record(
            what, lambda tx: expire_target(tx, self.instance, target, tally=tally, now=now), done
        )

    def _record(
        self,
        target: str,
        it: _Begun,
        end: EndOfTry,
        error: Mapping[str, Any] | None,
        ended: Ended,
        now: datetime,
    ) -> None:
        what = f"the end of target {target} of instance {self.instance.id}"
        failures, crashes, tally = it.failures, it.crashes, Tally(self._ended, self._failed)

        def work(tx: Any) -> None:
            finish_target(
                tx,
                self.instance,
                target,
                end,
                error,
                failures=failures,
                crashes=crashes,
                tally=tally,
                now=now,
                ended=ended,
            )

        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"recording {what}", problem)

        self._desk.bridge.record(what, work, done)

    # -- the end of the run

    def _end(self) -> None:
        if self._end_waits:
            return
        self._over = True
        what = f"the end of instance {self.instance.id}"
        now, stop = self._desk.clock.now(), self._stop

        def done(finished: Finished | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"recording {what}", problem)
            self._close(finished)

        self._desk.bridge.record(
            what,
            lambda tx: finish_fan_out(
                tx, self.instance.id, self.instance.epoch, self._definition.spec, stop, now
            ),
            done,
        )

    def _close(self, finished: Finished | None) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._desk.finished(self.instance, finished)
