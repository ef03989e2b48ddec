"""Record the end of an attempt that was asked to pause, or of which nothing was known any more."""

from __future__ import annotations

from typing import Any

from runner.execution.order import Ended
from runner.lifecycle.pausing import PAUSE
from runner.operations.outcome import Finished, Problem, Recording
from runner.operations.pausing import SLEEPING, resume_instance
from runner.operations.retry_of import retry_of
from runner.operations.worth_a_retry import worth_a_retry
from runner.retries import Retry, decide_retry

DONE = "pause_done"


def end_under_intent(recording: Recording, ended: Ended, error: Problem, draw: float) -> Finished | None:
    """What the end means for a PAUSING or UNKNOWN instance; None when its state asks for nothing.

    A success is recorded before this is asked: the result wins over every intent (lifecycle.md, principle
    6). A limit of its own ends it, whatever was asked.
    """
    state = recording.instance.state
    if state == "UNKNOWN" and ended.outcome == "failed":
        return recording.fail("fail", str(error["code"]), error, ended.outputs)
    if state == "RUNNING" and _obeyed(ended):
        return _resumed_too_late(recording)
    if state != "PAUSING" or ended.outcome == "timeout":
        return None
    if ended.outcome == "crashed":
        return died_while_pausing(recording, str(error["description"]))
    if ended.outcome == "failed":
        return _failed(recording, ended, error, draw)
    if ended.outcome == "stopped" and not _obeyed(ended):
        return None  # the daemon is stopped, and did not wait any longer
    wake_at = getattr(ended, "wake_at", None)
    more: dict[str, Any] = {} if wake_at is None else {"resume_as": SLEEPING, "due_at": wake_at}
    return recording.paused(PAUSE, "", event=DONE, **more)


def died_while_pausing(recording: Recording, description: str) -> Finished:
    """I21 without a last checkpoint: what was committed before is where it goes on."""
    return recording.paused(PAUSE, description, event=DONE, details={"unclean": True})


def _failed(recording: Recording, ended: Ended, error: Problem, draw: float) -> Finished:
    """A final failure is one (I25); what is to be tried again is, once the pause is over."""
    instance, failures = recording.instance, recording.instance.failures + 1
    first_error_at = instance.first_error_at or recording.now
    if worth_a_retry(ended, recording.spec):
        policy, until = retry_of(recording.spec, instance, recording.now)
        retry = decide_retry(policy, failures, first_error_at, recording.now, draw, expires_at=until)
        if isinstance(retry, Retry):
            return recording.paused(
                PAUSE,
                str(error["description"]),
                event=DONE,
                resume_as="retry",
                due_at=retry.at,
                error=error,
                failures=failures,
                first_error_at=first_error_at,
            )
    return recording.fail("fail", str(error["code"]), error, ended.outputs)


def _resumed_too_late(recording: Recording) -> Finished:
    """It obeyed a pause at the moment at which that was taken back: paused, and on again (I18, I21, I28)."""
    why = "it had obeyed when the pause was taken back"
    recording.ask(PAUSE, why)
    recording.paused(PAUSE, why, event=DONE)
    tx, id = recording.tx, recording.instance.id
    paused = tx.instances.get(id)
    if paused is not None:
        resume_instance(tx, paused, paused.pauses, who=recording.who, why=why, now=recording.now)
    now = tx.instances.get(id) or recording.instance
    return Finished(id, now.job, now.state, now.reason, now.due_at if now.state == "SCHEDULED" else None)


def _obeyed(ended: Ended) -> bool:
    return ended.outcome == "stopped" and ended.error is not None and ended.error.description == PAUSE
