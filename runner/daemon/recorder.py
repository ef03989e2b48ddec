"""Writes down what the supervisor reports, in order, and acknowledges what has become durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.execution.order import Began, Ended, Raised, Report, StepReported
from runner.execution.supervisor import Supervisor
from runner.operations.finish_instance import finish_instance
from runner.operations.outcome import Finished
from runner.operations.record_run import record_process, record_raised, record_step
from runner.store.port import Transaction


class Recorder:
    """One report, one write. The order of writes is the order of reports."""

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        *,
        boot_id: str,
        spec_of: Callable[[int], Mapping[str, Any]],
        draw: Callable[[], float],
        vacated: Callable[[int], None],
        finished: Callable[[int, Finished | None, Ended], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._boot_id = boot_id
        self._spec_of = spec_of
        self._draw = draw
        self._vacated = vacated
        self._finished = finished
        self._trouble = trouble
        self.supervisor: Supervisor | None = None

    def report(self, report: Report) -> None:
        """Record one report of the supervisor."""
        match report:
            case Began():
                self._write("a process", lambda tx: record_process(tx, report, self._boot_id))
            case StepReported():
                self._step(report)
            case Raised():
                at = self._clock.now()
                self._write("a raised error", lambda tx: record_raised(tx, report, at))
            case Ended():
                self._end(report)

    def _write(
        self, what: str, work: Callable[[Transaction], None], then: Callable[[], None] | None = None
    ) -> None:
        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._trouble(f"recording {what}", problem)
            elif then is not None:
                then()

        self._bridge.write(work, done)

    def _step(self, report: StepReported) -> None:
        at = self._clock.now()

        def acknowledge() -> None:
            if self.supervisor is not None and report.event == "complete" and not report.last:
                self.supervisor.acknowledge(report.instance, report.epoch, report.number)

        self._write(f"step {report.step}", lambda tx: record_step(tx, report, at), acknowledge)

    def _end(self, ended: Ended) -> None:
        spec = self._spec_of(ended.instance)
        now = self._clock.now()
        draw = self._draw()

        def done(finished: Finished | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._trouble(f"recording the end of instance {ended.instance}", problem)
            self._finished(ended.instance, finished, ended)

        self._bridge.write(lambda tx: finish_instance(tx, ended, spec, now, draw), done)
        self._vacated(ended.instance)
