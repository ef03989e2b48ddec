"""What becomes of one run and its targets is written here, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from runner.daemon.desk import Desk
from runner.daemon.turns import Begun
from runner.dispatch.tasks import EndOfTry, Stop
from runner.execution.order import Ended
from runner.operations.definition import Definition
from runner.operations.finish_fan_out import finish_fan_out, stop_in_time
from runner.operations.finish_instance import problem_of
from runner.operations.outcome import Finished
from runner.operations.run_target import cancel_target, expire_target, finish_target, start_target
from runner.store.instances import InstanceRecord
from runner.store.target_requests import TargetRequest
from runner.store.tasks import TaskRecord

R = TypeVar("R")


class TargetRecords:
    """Of one run. What has happened is written until it is written; a start is tried once."""

    def __init__(self, desk: Desk, instance: InstanceRecord, definition: Definition) -> None:
        self._desk = desk
        self._instance = instance
        self._definition = definition

    def start(
        self,
        target: str,
        it: Begun,
        before: str,
        now: datetime,
        then: Callable[[TaskRecord | None, BaseException | None], None],
    ) -> None:
        """T2 or T6; `then` hears of the task as it is, or why there is none."""

        def work(tx: Any) -> TaskRecord:
            return start_target(
                tx,
                self._instance,
                target,
                self._definition.new_steps,
                before=before,
                expires_at=it.expires_at,
                now=now,
            )

        self._desk.bridge.write(work, then, is_short=True)

    def ended(
        self, target: str, it: Begun, end: EndOfTry, ended: Ended, asked: TargetRequest | None, now: datetime
    ) -> None:
        """A try of it is over."""
        failures, crashes = it.failures, it.crashes
        error = None if ended.outcome in ("succeeded", "stopped", "sleeping") else problem_of(ended)

        def work(tx: Any) -> None:
            finish_target(
                tx,
                self._instance,
                target,
                end,
                error,
                failures=failures,
                crashes=crashes,
                now=now,
                ended=ended,
                asked=asked,
            )

        self._record(f"the end of target {target}", work)

    def expired(self, target: str, now: datetime) -> None:
        """T9."""
        self._record(
            f"that target {target} has expired", lambda tx: expire_target(tx, self._instance, target, now=now)
        )

    def cancelled(self, request: TargetRequest, now: datetime) -> None:
        """T10 or T11."""
        self._record(
            f"that target {request.target} is cancelled",
            lambda tx: cancel_target(
                tx, self._instance, request.target, request.verb, who=request.who, why=request.why, now=now
            ),
        )

    def time_is_over(self, intent: str, now: datetime, then: Callable[[], None]) -> None:
        """I19 by the time, for all targets; `then` runs when that is written."""
        self._record(
            "that the time is over",
            lambda tx: stop_in_time(tx, self._instance, intent, now),
            lambda _: then(),
            is_short=False,
        )

    def finished(self, stop: Stop | None, now: datetime, then: Callable[[Finished | None], None]) -> None:
        """The run has no process any more; `then` hears what became of it."""
        id, epoch, spec = self._instance.id, self._instance.epoch, self._definition.spec
        self._record(
            "the end", lambda tx: finish_fan_out(tx, id, epoch, spec, stop, now), then, is_short=False
        )

    def _record(
        self,
        what: str,
        work: Callable[[Any], R],
        then: Callable[[R | None], None] = lambda _: None,
        *,
        is_short: bool = True,
    ) -> None:
        """Not `is_short` is what looks at all its targets."""
        told = f"{what} of instance {self._instance.id}"

        def done(result: R | None, problem: BaseException | None) -> None:
            if problem is not None:
                self._desk.telling.trouble(f"recording {told}", problem)
            then(result)

        self._desk.bridge.record(told, work, done, is_short=is_short)
