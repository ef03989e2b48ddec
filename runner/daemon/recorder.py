"""Writes down what the supervisor reports, in order, and acknowledges what has become durable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from runner.daemon.bridge import Bridge
from runner.daemon.clock import Clock
from runner.execution.order import (
    NO_TARGET,
    Began,
    Checkpointed,
    Ended,
    ErrorInfo,
    InfoSaved,
    ItemsAsked,
    Notified,
    PerformedLong,
    Progressed,
    Raised,
    Report,
    StepReported,
)
from runner.execution.supervisor import Supervisor
from runner.operations.finish_instance import finish_instance
from runner.operations.outcome import Finished
from runner.operations.record_checkpoint import record_checkpoint
from runner.operations.record_run import (
    record_info,
    record_long_perform,
    record_notified,
    record_process,
    record_progress,
    record_raised,
    record_step,
)
from runner.operations.take_items import take_items
from runner.store.port import Transaction
from runner.vocabulary.errors import RunnerError

Attempt = tuple[int, int, str]
"""An instance, the epoch of its attempt, and the target."""


R = TypeVar("R", Checkpointed, StepReported)


class Recorder:
    """One report, one write. The order of writes is the order of reports.

    What cannot be recorded at all (a text that is no Unicode, a step that is not where it should be) fails
    its own instance, and says so.
    """

    def __init__(
        self,
        bridge: Bridge,
        clock: Clock,
        *,
        boot_id: str,
        spec_of: Callable[[int], Mapping[str, Any] | None],
        draw: Callable[[], float],
        vacated: Callable[[int], None],
        finished: Callable[[int, Finished | None, Ended], None],
        target_ended: Callable[[Ended], None],
        trouble: Callable[[str, BaseException], None],
    ) -> None:
        self._bridge = bridge
        self._clock = clock
        self._boot_id = boot_id
        self._spec_of = spec_of
        self._draw = draw
        self._vacated = vacated
        self._finished = finished
        self._target_ended = target_ended
        self._trouble = trouble
        self._unrecorded: dict[Attempt, ErrorInfo] = {}  # written and read in the order of the writes
        self._progress: dict[tuple[int, str], Progressed] = {}  # the last word that is not written yet
        self.supervisor: Supervisor | None = None

    def report(self, report: Report) -> None:
        """Record one report of the supervisor."""
        match report:
            case Began():
                self._record(
                    f"the process of instance {report.instance}",
                    lambda tx: record_process(tx, report, self._boot_id),
                )
            case StepReported():
                self._step(report)
            case Checkpointed():
                self._checkpoint(report)
            case Progressed():
                self._say_progress(report)
            case ItemsAsked():
                self._hand_out(report)
            case Raised() | Notified() | InfoSaved() | PerformedLong():
                self._say(report)
            case Ended():
                self._end(report)

    def _record(self, what: str, work: Callable[[Transaction], None]) -> None:
        def done(_: None, problem: BaseException | None) -> None:
            if problem is not None:
                self._trouble(f"recording {what}", problem)

        self._bridge.record(what, work, done, soon=False)

    def _say(self, report: Raised | Notified | InfoSaved | PerformedLong) -> None:
        at = self._clock.now()

        def work(tx: Transaction) -> None:
            match report:
                case Raised():
                    record_raised(tx, report, at)
                case Notified():
                    record_notified(tx, report, at)
                case InfoSaved():
                    record_info(tx, report)
                case PerformedLong():
                    record_long_perform(tx, report, at)

        self._record(f"what instance {report.instance} said", work)

    def _say_progress(self, report: Progressed) -> None:
        """Only the last word is written: what was said before it, and is not written yet, is gone."""
        key = report.instance, report.target
        is_waiting = key in self._progress
        self._progress[key] = report
        if not is_waiting:
            self._write_progress(key)

    def _write_progress(self, key: tuple[int, str]) -> None:
        def work(tx: Transaction) -> Progressed:
            last = self._progress[key]
            record_progress(tx, last)
            return last

        def done(written: Progressed | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._trouble(f"recording the progress of instance {key[0]}", problem)
            elif self._progress[key] is not written:
                self._write_progress(key)
                return
            del self._progress[key]

        self._bridge.record(f"the progress of instance {key[0]}", work, done, soon=False)

    def _checkpoint(self, report: Checkpointed) -> None:
        # It waits, and never goes on from what is not recorded.
        self._confirmed(f"checkpoint {report.record.n}", report, record_checkpoint, waits=True)

    def _hand_out(self, asked: ItemsAsked) -> None:
        """Its code waits: items that are its own once that is written, or none."""

        def done(items: list[dict[str, Any]] | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._trouble(f"handing items to instance {asked.instance}", problem)
            if self.supervisor is not None:
                self.supervisor.answer(asked.instance, asked.epoch, asked.number, items or (), asked.target)

        self._bridge.write(lambda tx: take_items(tx, asked.instance, asked.epoch, asked.most), done)

    def _step(self, report: StepReported) -> None:
        # A child waits for the record of a completion, and goes on without that of anything else.
        waits = report.event == "complete" and not report.last
        self._confirmed(f"step {report.step}", report, record_step, waits=waits)

    def _confirmed(
        self, what: str, report: R, record: Callable[[Transaction, R, datetime], None], *, waits: bool
    ) -> None:
        """Record it, and let a child that waits for that go on; what cannot be recorded ends its attempt."""
        at = self._clock.now()
        whole = f"{what} of instance {report.instance}"

        def work(tx: Transaction) -> None:
            try:
                record(tx, report, at)
            except (ValueError, TypeError, RunnerError) as problem:
                text = f"{what} could not be recorded: {problem}"
                attempt = report.instance, report.epoch, report.target
                self._unrecorded[attempt] = ErrorInfo("not-recorded", text, report.step)
                raise

        def done(_: None, problem: BaseException | None) -> None:
            if self.supervisor is None:
                return
            if problem is not None:
                self._trouble(f"recording {whole}", problem)
                self.supervisor.stop(
                    report.instance, report.epoch, grace_s=0, why="not-recorded", target=report.target
                )
            elif waits:
                self.supervisor.acknowledge(report.instance, report.epoch, report.number, report.target)

        self._bridge.record(whole, work, done, soon=waits, is_awaited=waits)

    def _end(self, ended: Ended) -> None:
        spec = self._spec_of(ended.instance)
        now = self._clock.now()
        draw = self._draw()
        what = f"the end of instance {ended.instance}"
        attempt = ended.instance, ended.epoch, ended.target
        if ended.target != NO_TARGET:
            self._target_ended(_failed_by(ended, self._unrecorded.pop(attempt, None)))
            return

        def work(tx: Transaction) -> Finished | None:
            unrecorded = self._unrecorded.get(attempt)
            return finish_instance(tx, _failed_by(ended, unrecorded), spec, now, draw)

        def done(finished: Finished | None, problem: BaseException | None) -> None:
            if problem is not None and attempt not in self._unrecorded:
                self._trouble(f"recording {what}", problem)
                text = f"its end ({ended.outcome}) could not be recorded: {problem}"
                self._unrecorded[attempt] = ErrorInfo("not-recorded", text)
                self._bridge.record(what, work, done)
                return
            if problem is not None:
                self._trouble(f"recording {what}", problem)
            self._unrecorded.pop(attempt, None)
            self._finished(ended.instance, finished, ended)

        self._vacated(ended.instance)  # first, so that the next claim is in the same commit, after this end
        self._bridge.record(what, work, done)


def _failed_by(ended: Ended, unrecorded: ErrorInfo | None) -> Ended:
    if unrecorded is None:
        return ended
    return ended._replace(outcome="failed", error=unrecorded, outputs={})
