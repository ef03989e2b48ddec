"""After a failure: when to try again, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runner.vocabulary.duration import format_duration, parse_duration

LONGEST_DELAY = timedelta(days=365)
"""An unbounded doubling ends here, before it leaves what a datetime can hold."""

_NAMED: dict[str, dict[str, Any]] = {
    "none": {"maxAttempts": 1},
    "once": {"initial": "0s", "maxAttempts": 2},
    "backoff": {"initial": "1m", "factor": 2, "maxElapsed": "2h"},
    "until-expiry": {"initial": "5m", "factor": 1, "maxElapsed": "30m"},
    "custom": {},
}
_DEFAULTS: dict[str, Any] = {"initial": "1m", "factor": 2, "jitter": "0%"}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how late. `max_attempts` counts the first attempt too; None is no limit."""

    policy: str
    initial: timedelta
    factor: float
    max_delay: timedelta | None
    max_attempts: int | None
    max_elapsed: timedelta | None
    jitter: float

    @classmethod
    def from_resolved(cls, resolved: Mapping[str, Any]) -> RetryPolicy:
        """The policy of a resolved `retry` mapping; what it leaves out comes from the named policy."""
        policy = str(resolved.get("policy") or "custom")
        if policy not in _NAMED:
            raise ValueError(f"retry.policy: {policy!r} is not one of {', '.join(_NAMED)}")
        given = {name: value for name, value in resolved.items() if value is not None}
        fields = {**_DEFAULTS, **_NAMED[policy], **given}
        attempts = fields.get("maxAttempts")
        return cls(
            policy=policy,
            initial=parse_duration(fields["initial"]),
            factor=float(fields["factor"]),
            max_delay=_duration(fields.get("maxDelay")),
            max_attempts=None if attempts is None else int(attempts),
            max_elapsed=_duration(fields.get("maxElapsed")),
            jitter=_share(fields["jitter"]),
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed: the error's code (an exception's class name is one), the classes that the exception has
    besides, exit code and SQL state, and whether the action thinks that trying again may help.
    """

    code: str
    retryable: bool
    classes: tuple[str, ...] = ()
    exit_code: int | None = None
    sqlstate: str | None = None


AUTHORIZATION = "authorization"
"""The code of an error that only a person ends; trying again may lock the account (C7)."""


def may_be_retried(failure: Failure, spec: Mapping[str, Any]) -> bool:
    """Whether this failure is one of those that are tried again, before any policy counts them.

    `neverRetryOn` of `spec` (a resolved job or step) wins over `retryOn`, and that over what the action
    thinks. An authorization error is never tried again, whatever is declared.
    """
    if failure.code == AUTHORIZATION or _names(failure, spec.get("neverRetryOn")):
        return False
    wanted = spec.get("retryOn")
    return failure.retryable if wanted is None else _names(failure, wanted)


def _names(failure: Failure, declared: Mapping[str, Any] | None) -> bool:
    """Whether `{errors, exitCodes, sqlStates}` name the failure; two characters are a class of SQL states."""
    if not declared:
        return False
    state = failure.sqlstate or ""
    return (
        any(name in (declared.get("errors") or ()) for name in (failure.code, *failure.classes))
        or failure.exit_code in (declared.get("exitCodes") or ())
        or any(state.startswith(each) for each in declared.get("sqlStates") or ())
    )


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at `at`."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Final:
    """Do not try again."""

    reason: str


def decide_retry(
    policy: RetryPolicy,
    failures: int,
    first_error_at: datetime,
    now: datetime,
    draw: float,
    *,
    expires_at: datetime | None = None,
) -> Retry | Final:
    """What follows the `failures`-th failure in a row (this one included), at `now`.

    `draw` is a number in [0, 1) that places the delay within the policy's jitter. A retry that would come
    at or after `expires_at` is none. `until-expiry` ends that way after `maxElapsed` when the instance has
    no expiry of its own; for the others the first failure later than `maxElapsed` after the first is final.
    """
    if policy.max_attempts is not None and failures >= policy.max_attempts:
        word = "attempt" if policy.max_attempts == 1 else "attempts"
        return Final(f"retry {policy.policy}: {policy.max_attempts} {word} used")
    if policy.policy == "until-expiry" and policy.max_elapsed is not None and expires_at is None:
        expires_at = first_error_at + policy.max_elapsed
    elif policy.policy != "until-expiry" and policy.max_elapsed is not None:
        elapsed = now - first_error_at
        if elapsed > policy.max_elapsed:
            return Final(
                f"retry {policy.policy}: still failing {format_duration(elapsed)} after the first error, "
                f"limit {format_duration(policy.max_elapsed)}"
            )
    at = now + _delay(policy, failures, draw)
    if expires_at is not None and at >= expires_at:
        return Final(f"retry {policy.policy}: the next try would be after its expiry")
    return Retry(at, f"retry {policy.policy}: failure {failures}, again in {format_duration(at - now)}")


def _delay(policy: RetryPolicy, failures: int, draw: float) -> timedelta:
    longest = min(
        LONGEST_DELAY if policy.max_delay is None else policy.max_delay, LONGEST_DELAY
    ).total_seconds()
    try:
        seconds = policy.initial.total_seconds() * policy.factor ** max(failures - 1, 0)
    except OverflowError:
        seconds = longest
    seconds = min(seconds, longest) * (1 + policy.jitter * (2 * draw - 1))
    return timedelta(seconds=min(max(seconds, 0.0), longest))


def _duration(text: str | None) -> timedelta | None:
    return None if text is None else parse_duration(text)


def _share(text: str | float) -> float:
    """`10%` or 0.1 as 0.1, between 0 and 1."""
    share = float(text[:-1]) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
    if not 0 <= share <= 1:
        raise ValueError(f"retry.jitter: {text!r} is not between 0% and 100%")
    return share
