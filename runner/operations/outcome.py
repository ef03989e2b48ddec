"""The ways in which an attempt can end, each as the writes that record it. Called inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.execution.order import NO_TARGET
from runner.lifecycle.instance import BY_HAND, INSTANCE
from runner.lifecycle.pausing import EVICTION, OPERATOR, PAUSE
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import task_event
from runner.operations.consecutive_failures import SHUTDOWN
from runner.operations.giving_up import hold_when_failing, release_after_success
from runner.operations.open_targets import move_open_targets, result_of
from runner.operations.over_time import over_time
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.instants import to_text

Problem = Mapping[str, Any]
"""What is stored as an error: `code` and `description`, and `step`, `exit_code`, `sqlstate` where known."""

EXPIRED = "expired"
SLEEPING = "sleeping"
TIMEOUT = "timeout"
REPLACE = "replace"
BOUNCE = "bounce"
PAUSING_INTENTS = frozenset({PAUSE, EVICTION, SHUTDOWN})
"""What a stop may be meant for; anything else cancels (I33)."""

NO_DEFINITION: Mapping[str, Any] = {"onCrash": "fail", "failAfter": "never", "retry": {"policy": "none"}}
"""For an instance whose pinned definition cannot be found any more: it only ends."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What was recorded: the state, why, when it is due again, and what it means for its job: `job_failed`
    when it is held from now on, `job_released` when hold `failure` is gone.
    """

    instance_id: int
    job: str
    state: str
    reason: str
    due_at: datetime | None = None
    error: Problem | None = None
    job_failed: bool = False
    job_released: bool = False


@dataclass(frozen=True, slots=True)
class NotStarted:
    """An instance that waited will not start: what it ended as, why, and whether its job is held for it."""

    instance_id: int
    job: str
    outcome: str
    reason: str
    job_failed: bool = False


def definition_of(tx: Reader, instance: InstanceRecord) -> Mapping[str, Any]:
    """The resolved spec that the instance is pinned to; whatever is missing in it, the instance can end."""
    return {**NO_DEFINITION, **(tx.revisions.get(instance.job_uid, instance.digest) or {})}


class Recording:
    """One instance and its transaction, while its end is written. `who` signs every event."""

    def __init__(
        self, tx: Transaction, instance: InstanceRecord, spec: Mapping[str, Any], now: datetime, who: str
    ) -> None:
        self.tx = tx
        self.instance = instance
        self.spec = spec
        self.now = now
        self.who = who
        self.metrics: Mapping[str, Any] | None = None
        """What it has used with the attempt that has ended, when that is known."""

    def succeed(self, outputs: Mapping[str, Any]) -> Finished:
        """I12, or I39 when it was being stopped: the result wins over the intent."""
        asked = {"STOPPING": "stopped", "PAUSING": "paused"}.get(self.instance.state)
        why = f"finished although it was being {asked} ({self.instance.reason})" if asked else ""
        self._task("succeed", "")
        state = self._move("succeed", "", why=why, outputs=outputs, failures=0, first_error_at=None)
        released = self.instance.origin in BY_HAND and release_after_success(
            self.tx, self.instance, self.who, self.now
        )
        return Finished(self.instance.id, self.instance.job, state, "", job_released=released)

    def again(self, event: str, reason: str, due_at: datetime, error: Problem, **counters: int) -> Finished:
        """I15 or I16: the same instance once more, from its first step that is not completed."""
        self._task("reschedule" if event == "retry" else "interrupt", reason, next_try_at=due_at)
        self._reopen_steps()
        state = self._move(
            event,
            reason,
            why=error["description"],
            due_at=due_at,
            error=error,
            first_error_at=self.instance.first_error_at or self.now,
            **counters,
        )
        return Finished(self.instance.id, self.instance.job, state, reason, due_at, error)

    def asleep(self, wake_at: datetime) -> Finished:
        """I47: the process is gone, and the same instance comes back then, from its last checkpoint."""
        self._task("interrupt", SLEEPING, next_try_at=wake_at)
        self._reopen_steps()
        state = self._move("sleep", SLEEPING, why=f"until {to_text(wake_at)}", due_at=wake_at)
        return Finished(self.instance.id, self.instance.job, state, SLEEPING, wake_at)

    def sleeps_until(self) -> datetime | None:
        """When it said that it wants to come back; None when it is not to sleep now."""
        rows = self.tx.state.of_instance(self.instance.id)
        own = (row.wake_at for row in rows if row.target == NO_TARGET)
        return next((at for at in own if at is not None and at > self.now), None)

    def fail(
        self, event: str, reason: str, error: Problem, outputs: Mapping[str, Any] | None = None
    ) -> Finished:
        """I14, I17 or I37; puts hold `failure` on the job when it has now failed too often (J5)."""
        self._end_open_steps(error)
        self._task("fail", reason)
        state = self._move(event, reason, why=error["description"], error=error, outputs=outputs or {})
        return Finished(
            self.instance.id, self.instance.job, state, reason, None, error, self._gives_up(reason)
        )

    def succeed_partially(
        self, event: str, reason: str, error: Problem, outputs: Mapping[str, Any] | None = None
    ) -> Finished:
        """I8, I13 or I38: enough of its targets succeeded, and not all."""
        self._task("expire", reason)
        more = {} if outputs is None else {"outputs": outputs}
        state = self._move(event, reason, why=error["description"], error=error, **more)
        return Finished(self.instance.id, self.instance.job, state, reason, None, error)

    def expire(self) -> Finished:
        """I7 or I30: it had begun, and its time is over while it waits for its next attempt."""
        if self.instance.targets:
            self._task("expire", EXPIRED)
        for task in self.tx.tasks.of(self.instance.id) if not self.instance.targets else ():
            event = task_event("expire", task.state)
            if event is not None:
                self.tx.tasks.move(
                    self.instance.id,
                    task.target,
                    TASK.move(task.state, event),
                    epoch=self.instance.epoch,
                    at=self.now,
                    who=self.who,
                    reason=EXPIRED,
                )
        error = self.instance.error or {"code": "expired", "description": "its time was over before it ended"}
        if self.has_enough():
            return self.succeed_partially("expire_partially", EXPIRED, error)
        state = self._move("expire", EXPIRED, why=EXPIRED, error=error)
        return Finished(
            self.instance.id, self.instance.job, state, EXPIRED, None, error, self._gives_up(EXPIRED)
        )

    def stop(self, intent: str) -> None:
        """I19 or I26: it is being ended; what follows depends on the intent."""
        self._move("stop", intent, why=intent)
        self._look_again()

    def ask(self, reason: str, why: str) -> None:
        """I18: it is to pause."""
        self._move("pause", reason, why=why, pauses=(reason,))
        self._look_again()

    def _look_again(self) -> None:
        now = self.tx.instances.get(self.instance.id)
        if now is not None:
            self.instance = now

    def stopped(self) -> Finished:
        """STOPPING, and the process is gone: it becomes what the stop was meant for (I33 to I38)."""
        intent = self.instance.reason
        if intent == REPLACE:
            return self.replaced()
        if intent == BOUNCE:
            return self.bounced()
        if intent in PAUSING_INTENTS:
            return self.paused(intent, f"stopped for {intent}")
        if intent in (TIMEOUT, EXPIRED):
            error = over_time(self.tx, self.instance, intent, self.now)
            if self.has_enough():
                return self.succeed_partially("stopped_partially", intent, error)
            return self.fail("stopped_failed", intent, error)
        return self.cancelled(intent)

    def replaced(self) -> Finished:
        """I34: a newer instance takes its place (`replaced_by` says which)."""
        error = {"code": REPLACE, "description": f"replaced by instance {self.instance.replaced_by}"}
        self._interrupt_open_steps()
        self._task("cancel", REPLACE)
        state = self._move("stopped_replaced", REPLACE, why=error["description"], error=error)
        return Finished(self.instance.id, self.instance.job, state, REPLACE)

    def bounced(self) -> Finished:
        """I35: the same instance once more, now, from its first step that is not completed."""
        self._task("interrupt", BOUNCE)
        self._reopen_steps()
        state = self._move("stopped_bounce", "bounced", why=BOUNCE, due_at=self.now)
        return Finished(self.instance.id, self.instance.job, state, "bounced", self.now)

    def cancelled(self, intent: str, event: str = "stopped_cancelled") -> Finished:
        """I33, or I46: the process is gone, as somebody asked."""
        error = {"code": "cancelled", "description": f"ended by {intent}"}
        self._end_open_steps(error)
        self._task("cancel", intent)
        state = self._move(event, intent, why=intent)
        if self.instance.pauses:  # as with one that was paused already (I29)
            self.tx.state.clear(
                self.instance.job_uid, instance_id=self.instance.id, at=self.now, who=self.who, why=intent
            )
        return Finished(self.instance.id, self.instance.job, state, intent)

    def evicted(self) -> Finished:
        """I36: ended with its daemon, to go on at the next start with the same id."""
        return self.paused("eviction", "the daemon was stopped")

    def paused(self, reason: str, why: str, event: str = "stopped_paused", **changes: Any) -> Finished:
        """I36, or I21: the process is gone, and the same instance goes on when every reason is lifted.

        A step that failed stays so until then: an operator may skip it.
        """
        added = EVICTION if reason != PAUSE else OPERATOR if not self.instance.pauses else None
        pauses = tuple(sorted({*self.instance.pauses, *([added] if added else [])}))
        self._task("interrupt", reason)
        self._interrupt_open_steps()
        told = ", ".join(pauses)
        state = self._move(event, told, why=why, pauses=pauses, paused_at=self.now, **changes)
        return Finished(self.instance.id, self.instance.job, state, told)

    def _move(self, event: str, reason: str, why: str, **changes: Any) -> str:
        move = INSTANCE.move(self.instance.state, event)
        if self.instance.targets:
            changes["metrics"] = self.tx.tasks.metrics(self.instance.id)
        elif self.metrics is not None:
            changes["metrics"] = self.metrics
        self.tx.instances.move(
            self.instance.id,
            move,
            epoch=self.instance.epoch,
            at=self.now,
            who=self.who,
            why=why,
            reason=reason,
            **changes,
        )
        return move.after

    def has_enough(self) -> bool:
        """Whether as many targets have succeeded as a partial success needs."""
        return bool(self.instance.targets) and result_of(self.tx, self.instance, self.spec) != "failed"

    def _task(self, event: str, reason: str, **changes: Any) -> None:
        if self.instance.targets:
            move_open_targets(self.tx, self.instance, self.spec, event, reason, now=self.now, who=self.who)
            return
        self.tx.tasks.move(
            self.instance.id,
            "-",
            TASK.move("RUNNING", event),
            epoch=self.instance.epoch,
            at=self.now,
            who=self.who,
            why=reason,
            reason=reason,
            **changes,
        )

    def _step(self, target: str, name: str, state: str, event: str, error: Problem | None = None) -> None:
        self.tx.steps.move(
            self.instance.id,
            target,
            name,
            STEP.move(state, event),
            epoch=self.instance.epoch,
            at=self.now,
            who=self.who,
            error=error,
        )

    def _reopen_steps(self) -> None:
        """Steps that had begun or failed wait again; completed ones are untouched (S6, S7)."""
        if self.instance.targets:
            return  # with their target
        for step in self.tx.steps.of(self.instance.id):
            event = {"STARTED": "interrupt", "FAILED": "reopen"}.get(step.state)
            if event:
                self._step(step.target, step.name, step.state, event)

    def _interrupt_open_steps(self) -> None:
        for step in self.tx.steps.of(self.instance.id):
            if step.state == "STARTED":
                self._step(step.target, step.name, "STARTED", "interrupt")

    def _end_open_steps(self, error: Problem) -> None:
        for step in self.tx.steps.of(self.instance.id):
            if step.state == "STARTED":
                self._step(step.target, step.name, "STARTED", "fail", error)

    def _gives_up(self, reason: str) -> bool:
        """Whether the job is held from now on, because it has failed too often."""
        return hold_when_failing(self.tx, self.instance, self.spec["failAfter"], reason, self.who, self.now)
