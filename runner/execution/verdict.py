"""How did an attempt end? Decided from what the child said, what was asked of it, and its exit status."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

from runner.execution.order import ErrorInfo, Outcome

PAUSE = "pause"
"""Why it was stopped, when it obeyed a pause between two steps or checkpoints."""

PERFORM_TIMEOUT = "perform-timeout"
"""Why it is stopped, when it has run for too long without a checkpoint."""


class Verdict(NamedTuple):
    """The outcome and its reason."""

    outcome: Outcome
    error: ErrorInfo | None
    outputs: Mapping[str, Any]


def decide_outcome(
    end: Mapping[str, Any] | None,
    *,
    status: int | None,
    violation: str | None,
    stop_why: str | None,
    errors: int,
    step: str | None,
    sleeps: bool = False,
    was_to_pause: bool = False,
) -> Verdict:
    """The verdict on an attempt that is over.

    `end` is the child's last message, if it sent one: a result that was reported wins over a stop that was
    asked, and over how the process then ended. `status` is the wait status, None when nobody could collect
    it (the zygote died). `errors` counts errors that the job's code stored; `sleeps` is whether the last
    thing that it recorded is a sleep which is to end the process; `was_to_pause` whether its code was told
    to end at a checkpoint.
    """
    if violation is not None:
        return Verdict("failed", ErrorInfo("protocol", violation, step), {})
    if end is not None and end["outcome"] == "succeeded":
        if not errors:
            return Verdict("succeeded", None, end["outputs"])
        return Verdict(
            "failed", ErrorInfo("errors-stored", f"the job stored {_errors(errors)}", step), end["outputs"]
        )
    if end is not None and end["outcome"] == "failed":
        return Verdict("failed", error_from(end.get("error") or {}, step), {})
    if end is not None and end["outcome"] == "sleeping" and sleeps and stop_why is None:
        return Verdict("sleeping", None, {})
    if stop_why is not None:
        return _stopped(stop_why, step)
    if end is not None and was_to_pause:
        return _stopped(PAUSE, step)
    if end is not None:
        return _crashed("foreign-signal", "something else than the runner told it to stop (TERM)", step)
    return _without_a_word(status, step)


def error_from(error: Mapping[str, Any], step: str | None) -> ErrorInfo:
    """The error that a child sent, every field of the type that it should have."""
    exit_code, sqlstate, info = error.get("exit_code"), error.get("sqlstate"), error.get("info")
    return ErrorInfo(
        code=str(error.get("code") or "unknown")[:100],
        description=str(error.get("description") or "")[:4000],
        step=str(error.get("step") or step or "") or None,
        exit_code=exit_code if isinstance(exit_code, int) else None,
        sqlstate=sqlstate if isinstance(sqlstate, str) else None,
        retryable=bool(error.get("retryable")),
        info=info if isinstance(info, dict) else {},
    )


def _stopped(why: str, step: str | None) -> Verdict:
    if why == "timeout":
        return Verdict(
            "timeout", ErrorInfo("timeout", "it ran longer than its timeout", step, retryable=True), {}
        )
    if why == PERFORM_TIMEOUT:
        text = "a unit of its work ran longer than performTimeout without a checkpoint"
        return Verdict("failed", ErrorInfo(PERFORM_TIMEOUT, text, step, retryable=True), {})
    return Verdict("stopped", ErrorInfo("stopped", why, step), {})


def _without_a_word(status: int | None, step: str | None) -> Verdict:
    if status is None:
        return _crashed("zygote-died", "the process that started it ended, and took it along", step)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            error = ErrorInfo("cpu-time", "it used up its limits.cpuTime", step, retryable=True)
            return Verdict("failed", error, {})
        return _crashed("signal", f"it was killed by {name_of(number)}", step)
    code = os.waitstatus_to_exitcode(status)
    text = f"it ended with exit code {code} before its steps were done"
    return Verdict("failed", ErrorInfo("exit-without-result", text, step, exit_code=code), {})


def _crashed(code: str, description: str, step: str | None) -> Verdict:
    return Verdict("crashed", ErrorInfo(code, description, step, retryable=True), {})


def name_of(signal_number: int) -> str:
    """`SIGKILL`, or `signal 40` for one without a name."""
    try:
        return signal.Signals(signal_number).name
    except ValueError:
        return f"signal {signal_number}"


def _errors(count: int) -> str:
    return "an error" if count == 1 else f"{count} errors"
