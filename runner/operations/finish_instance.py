"""Record how an attempt ended, and decide what follows: done, again later, failed, or the job held."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from signal import SIGKILL
from typing import Any

from runner.execution.order import Ended, ErrorInfo, Usage
from runner.lifecycle.instance import LIVE
from runner.operations.consecutive_failures import SHUTDOWN
from runner.operations.giving_up import SUPERVISOR
from runner.operations.metrics import with_attempt
from runner.operations.outcome import EXPIRED, Finished, Problem, Recording, definition_of
from runner.operations.retry_of import retry_of
from runner.operations.under_intent import died_while_pausing, end_under_intent
from runner.operations.unknown_ends import gone_after_a_stop, paused_again
from runner.operations.worth_a_retry import worth_a_retry
from runner.retries import Retry, decide_retry
from runner.store.instances import InstanceRecord
from runner.store.port import Transaction

CRASH_BUDGET = 1
"""How often a crash may bring an instance back (lifecycle.md, principle 8)."""


def finish_instance(
    tx: Transaction,
    ended: Ended,
    spec: Mapping[str, Any] | None,
    now: datetime,
    draw: float,
    who: str = SUPERVISOR,
) -> Finished | None:
    """Move the instance as its end says; None when a later epoch owns it, and nothing was changed.

    The result wins over an intent: work that completed while it was being stopped is recorded as completed
    (lifecycle.md, principle 6). `spec` is the pinned definition, if it is at hand; `draw` in [0, 1) spreads
    retries; `who` reported the end.
    """
    instance = tx.instances.get(ended.instance)
    if instance is None or instance.epoch != ended.epoch or instance.state not in LIVE:
        return None
    recording = Recording(tx, instance, spec or definition_of(tx, instance), now, who)
    recording.metrics = with_attempt(instance.metrics, ended, instance.started_at, now)
    error = problem_of(ended)
    if ended.outcome == "succeeded":
        raised = [e for e in tx.errors.of(instance.id) if e.severity == "error"]
        if not raised:
            return recording.succeed(ended.outputs)
        error = {"code": raised[0].code, "description": raised[0].description}
        return recording.fail(_failing(recording), "error", error, ended.outputs)
    if instance.state == "STOPPING":
        return recording.stopped()
    if instance.state == "UNKNOWN" and ended.outcome in ("stopped", "timeout"):
        return crash(recording, error)
    asked = end_under_intent(recording, ended, error, draw)
    if asked is not None:
        return asked
    if ended.outcome == "sleeping" and ended.wake_at is not None:
        return recording.asleep(ended.wake_at)
    if ended.outcome == "crashed":
        return crash(recording, error)
    if ended.outcome == "timeout":
        return _timed_out(recording, error)
    if ended.outcome == "stopped":
        return _stopped_with_the_daemon(recording)
    retryable = worth_a_retry(ended, recording.spec)
    return failed(recording, error, draw, retryable=retryable, outputs=ended.outputs)


def ended_by_shutdown(instance: InstanceRecord) -> Ended:
    """The report on an attempt whose processes were killed with its daemon, when nobody could report it."""
    error = ErrorInfo("stopped", SHUTDOWN)
    return Ended(instance.id, instance.epoch, "stopped", error, {}, SIGKILL, Usage(0.0, 0), 0)


def crash(recording: Recording, error: Problem, *, proven: bool = True) -> Finished:
    """The process is gone without a result: again from the last completed step, or FAILED (`onCrash`).

    Not `proven`: it is only taken for dead.
    """
    instance = recording.instance
    if instance.state == "UNKNOWN" and (decided := gone_after_a_stop(recording, error, proven=proven)):
        return decided
    if instance.state == "STOPPING":
        return recording.stopped()
    if instance.state == "PAUSING":
        return died_while_pausing(recording, str(error["description"]))
    wake_at = recording.sleeps_until()
    if wake_at is not None and instance.state == "RUNNING":
        return recording.asleep(wake_at)  # it had nothing left to do but to end
    expired = instance.expires_at is not None and instance.expires_at <= recording.now
    resumes = recording.spec["onCrash"] == "resume" and instance.crashes < CRASH_BUDGET
    if (resumes or instance.targets) and not expired:  # each target has a crash budget of its own
        more: dict[str, Any] = {"raise_epoch": True} if instance.state == "UNKNOWN" else {}  # I42: a fence
        crashes = instance.crashes + 1
        again = recording.again("crash_resume", "crash", recording.now, error, crashes=crashes, **more)
        return paused_again(recording, again) if instance.state == "UNKNOWN" else again
    return recording.fail("crash_fail", "crash", error)


def failed(
    recording: Recording,
    error: Problem,
    draw: float,
    *,
    retryable: bool,
    outputs: Mapping[str, Any] | None = None,
) -> Finished:
    """It failed: again when its retry policy allows that (I15), else FAILED (I14). A fatal error is final."""
    instance = recording.instance
    failures = instance.failures + 1
    if retryable:
        policy, until = retry_of(recording.spec, instance, recording.now)
        retry = decide_retry(
            policy,
            failures,
            instance.first_error_at or recording.now,
            recording.now,
            draw,
            expires_at=until,
        )
        if isinstance(retry, Retry):
            return recording.again("retry", "retry", retry.at, error, failures=failures)
    return recording.fail("fail", str(error["code"]), error, outputs)


def _timed_out(recording: Recording, error: Problem) -> Finished:
    """Its own `timeout`, or the `deadline` of all its attempts together, has ended it (I19, I37)."""
    instance = recording.instance
    intent = "timeout"
    if instance.expires_at is not None and instance.expires_at <= recording.now:
        intent = EXPIRED
        error = {**error, "code": EXPIRED, "description": "it was still running at its deadline"}
    recording.stop(intent)
    return recording.fail("stopped_failed", intent, error)


def _failing(recording: Recording) -> str:
    return "stopped_failed" if recording.instance.state == "STOPPING" else "fail"


def _stopped_with_the_daemon(recording: Recording) -> Finished:
    nothing_was_interrupted = _is_between_two_steps(recording)
    recording.stop(SHUTDOWN)
    if recording.spec["onCrash"] == "resume" or recording.instance.targets or nothing_was_interrupted:
        return recording.evicted()
    error = {"code": SHUTDOWN, "description": "the daemon was stopped while it ran"}
    return recording.fail("stopped_failed", SHUTDOWN, error)


def _is_between_two_steps(recording: Recording) -> bool:
    """Whether a step of it had completed and the next one had not begun: it is stopped there when the one
    before was not to be interrupted.
    """
    states = {step.state for step in recording.tx.steps.of(recording.instance.id)}
    return "PENDING" in states and not states & {"STARTED", "FAILED"}


def problem_of(ended: Ended) -> Problem:
    """Why an attempt did not succeed, as it is stored."""
    if ended.error is None:
        description = "its process died without a result" if ended.outcome == "crashed" else ended.outcome
        return {"code": ended.outcome, "description": description}
    known = {
        "step": ended.error.step,
        "exit_code": ended.error.exit_code,
        "sqlstate": ended.error.sqlstate,
        "signal": ended.signal,
    }
    return {
        "code": ended.error.code,
        "description": ended.error.description,
        **{name: value for name, value in known.items() if value is not None},
    }
