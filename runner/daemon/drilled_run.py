"""How does one run of a drilled job go? Killed with -9 at one moment, or left alone; no wait takes time."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from runner.daemon.clock import Clock
from runner.daemon.trial import TrialListener, drive
from runner.execution.order import NO_TARGET, Began, Checkpointed, Ended, ErrorInfo, Report, StepReported
from runner.execution.processes import is_gone, kill_group
from runner.execution.supervisor import Supervisor
from runner.operations.drill_ends import End
from runner.operations.drill_kills import Checkpoint, Kill
from runner.operations.drill_left import last_lines, place_of, what_is_left
from runner.operations.drill_scene import Scene
from runner.operations.outcome import Finished, NotStarted
from runner.store.instances import InstanceRecord
from runner.store.open import open_store


@dataclass(frozen=True, slots=True)
class Run:
    """How it ended, what it had recorded on its way, where it was killed (None: it never came to that
    moment), and the end of its log.
    """

    end: End
    checkpoints: tuple[Checkpoint, ...]
    killed_in: str | None
    log: tuple[str, ...]
    seconds: float


def run_drilled(scene: Scene, project: Path, clock: Clock, kill: Kill | None, *, within_s: float) -> Run:
    """Run the job in its scene from the beginning, to its end.

    KeyboardInterrupt when a signal came, TimeoutError when it took too long; nothing runs any more then.
    """
    began_s = clock.boot_s()
    scene.begin()
    store = open_store(scene.state / "runner.db")
    course = Course(scene.instance_id, kill)
    skipping = SkippingClock(clock)
    try:
        asyncio.run(
            drive(
                store,
                scene.state,
                project,
                skipping,
                listener=lambda done: DrillListener(done, skipping, scene.instance_id),
                supervisor=partial(DrilledSupervisor, course=course, clock=skipping),
                within_s=within_s,
            )
        )
        end = what_is_left(store, scene, course.states)
    finally:
        store.close()
    return Run(end, tuple(course.checkpoints), course.killed_in, last_lines(scene), clock.boot_s() - began_s)


class SkippingClock:
    """The machine's clock, and the time that nobody has to wait for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._skipped = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self._skipped

    def boot_s(self) -> float:
        return self._clock.boot_s() + self._skipped.total_seconds()

    def awake_s(self) -> float:
        return self._clock.awake_s() + self._skipped.total_seconds()

    def skip_to(self, instant: datetime) -> None:
        """It is at least that late now."""
        self._skipped += max(instant - self.now(), timedelta(0))


class DrillListener(TrialListener):
    """Waits for the end of the one instance; until it is due again (a sleep, a retry) no time passes."""

    def __init__(self, done: asyncio.Event, clock: SkippingClock, instance_id: int) -> None:
        super().__init__(done, clock)
        self._skipping = clock
        self._instance_id = instance_id

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        if instance.id != self._instance_id:  # a start that the job asked for itself
            return
        if finished.due_at is not None:
            self._skipping.skip_to(finished.due_at)
        super().finished(instance, finished, ended)

    def not_started(self, result: NotStarted) -> None:
        if result.instance_id == self._instance_id:
            super().not_started(result)


class DrilledSupervisor(Supervisor):
    """A supervisor whose reports and acknowledgements pass by the course of the drill."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        state: Path,
        report: Callable[[Report], None],
        course: Course,
        clock: SkippingClock,
        **more: Any,
    ) -> None:
        super().__init__(loop, state=state, report=self._hear, **more)
        self._pass_on = report
        self._course = course
        self._clock = clock

    def _hear(self, report: Report) -> None:
        passed = self._course.hear(report) if report.instance == self._course.instance_id else report
        if isinstance(passed, Ended) and passed.target != NO_TARGET and passed.wake_at is not None:
            self._clock.skip_to(passed.wake_at)  # nobody waits for a target that sleeps
        if passed is not None:
            self._pass_on(passed)

    def acknowledge(self, instance: int, epoch: int, number: int, target: str = NO_TARGET) -> None:
        """It goes on, unless this is the moment to kill it."""
        if instance != self._course.instance_id or self._course.is_durable():
            super().acknowledge(instance, epoch, number, target)

    def stop(self, instance: int, epoch: int, *, grace_s: float, why: str, target: str = NO_TARGET) -> None:
        """At once: a drill kills, and its scene goes away with the run."""
        super().stop(instance, epoch, grace_s=0.0, why=why, target=target)


class Course:
    """What an instance has recorded so far, over all its processes, and whether it has been killed."""

    def __init__(self, instance_id: int, kill: Kill | None) -> None:
        self.instance_id = instance_id
        self._kill = kill
        self._pid, self._pid_started = 0, 0
        self._step = ""
        self._is_dying = False
        self._recorded = 0
        self.checkpoints: list[Checkpoint] = []
        self.states: dict[str, str] = {}
        self.killed_in: str | None = None

    def hear(self, report: Report) -> Report | None:
        """What is to be recorded of a report; None: nothing, for its process was dead by then."""
        if isinstance(report, Ended):
            return self._ended(report)
        if self._is_dying:
            return None
        match report:
            case Began():
                self._pid, self._pid_started = report.pid, report.pid_started
            case StepReported(event="start"):
                self._step = place_of(report.target, report.step)
            case Checkpointed() | StepReported(event="complete"):
                if self._is_due(late=True):
                    self._do_kill()
                    return None
                self._keep(report)
            case StepReported(event="fail") if self._is_due(late=True):
                self._do_kill()
                return None
        return report

    def is_durable(self) -> bool:
        """The last checkpoint is recorded: whether its process may go on."""
        if self._is_due(late=False):
            self._do_kill()
        return not self._is_dying

    def _keep(self, report: Checkpointed | StepReported) -> None:
        self._recorded += 1
        place = place_of(report.target, report.step)
        if isinstance(report, Checkpointed):
            kind = "checkpoint" if report.record.until is None else "sleep"
            self.checkpoints.append(Checkpoint(place, kind))
        elif not report.last:
            self.checkpoints.append(Checkpoint(place, "step"))
        elif report.target != NO_TARGET:  # others follow
            self.checkpoints.append(Checkpoint(place, "target"))
        if report.record is not None and report.record.state is not None:
            self.states[place] = report.record.state

    def _is_due(self, *, late: bool) -> bool:
        kill = self._kill
        return (
            kill is not None and self.killed_in is None and kill.late is late and kill.after == self._recorded
        )

    def _do_kill(self) -> None:
        self._is_dying = True
        self.killed_in = self._step
        if not is_gone(self._pid, self._pid_started):  # of the last step it may have just ended by itself
            kill_group(self._pid, signal.SIGKILL)

    def _ended(self, ended: Ended) -> Ended:
        if ended.outcome == "succeeded" and self._is_due(late=True):
            # Its last step was skipped: there is no process any more, and its end is not recorded either.
            self._is_dying, self.killed_in = True, self._step
        if not self._is_dying:
            return ended
        self._is_dying = False
        error = ErrorInfo("signal", "it was killed by the drill", self._step or None, retryable=True)
        return ended._replace(
            outcome="crashed",
            error=error,
            outputs={},
            signal=int(signal.SIGKILL),
            wake_at=None,
        )
