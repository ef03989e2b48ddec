"""When a failed attempt is tried again, and when it is final."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.retries import LONGEST_DELAY, Final, Retry, RetryPolicy, decide_retry

START = datetime(2026, 11, 21, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_policy(policy: str = "custom", **fields: object) -> RetryPolicy:
    return RetryPolicy.from_resolved({"policy": policy, **fields})


def failure_minutes(policy: RetryPolicy, at_most: int = 20) -> list[float]:
    """When an attempt that always fails at once fails: minutes after the first error."""
    now, minutes = START, []
    for failures in range(1, at_most + 1):
        minutes.append((now - START) / MINUTE)
        answer = decide_retry(policy, failures, START, now, 0.5)
        if isinstance(answer, Final):
            break
        now = answer.at
    return minutes


def test_none_never_tries_again() -> None:
    assert decide_retry(a_policy("none"), 1, START, START, 0.5) == Final("retry none: 1 attempt used")


def test_once_tries_again_at_once_and_then_not_any_more() -> None:
    assert failure_minutes(a_policy("once")) == [0, 0]


def test_backoff_doubles_from_a_minute_and_ends_with_the_first_failure_after_two_hours() -> None:
    assert failure_minutes(a_policy("backoff")) == [0, 1, 3, 7, 15, 31, 63, 127]


def test_until_expiry_tries_every_five_minutes_for_half_an_hour() -> None:
    assert failure_minutes(a_policy("until-expiry")) == [0, 5, 10, 15, 20, 25]


def test_own_numbers_are_obeyed() -> None:
    policy = a_policy(initial="1m", factor=3, maxDelay="5m", maxAttempts=5, maxElapsed="2h", jitter="0%")
    assert failure_minutes(policy) == [0, 1, 4, 9, 14]


def test_a_retry_that_would_come_after_the_expiry_is_none() -> None:
    answer = decide_retry(a_policy("backoff"), 1, START, START, 0.5, expires_at=START + MINUTE)
    assert answer == Final("retry backoff: the next try would be after its expiry")


def test_the_reason_says_what_happens() -> None:
    assert decide_retry(a_policy("backoff"), 2, START, START, 0.5) == Retry(
        START + 2 * MINUTE, "retry backoff: failure 2, again in 2m"
    )


@pytest.mark.parametrize(
    "resolved", [{"policy": "sometimes"}, {"policy": "custom", "jitter": "200%"}, {"initial": "soon"}]
)
def test_nonsense_is_refused(resolved: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        RetryPolicy.from_resolved(resolved)


policies = st.builds(
    RetryPolicy,
    policy=st.sampled_from(["backoff", "until-expiry", "custom", "once"]),
    initial=st.timedeltas(timedelta(0), timedelta(days=30)),
    factor=st.floats(1, 100),
    max_delay=st.none() | st.timedeltas(timedelta(0), timedelta(days=30)),
    max_attempts=st.none() | st.integers(1, 100),
    max_elapsed=st.none() | st.timedeltas(timedelta(0), timedelta(days=30)),
    jitter=st.floats(0, 1),
)
draws = st.floats(0, 1, exclude_max=True)


@given(policies, st.integers(1, 10**6), draws, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_a_retry_is_never_in_the_past_and_never_later_than_allowed(
    policy: RetryPolicy, failures: int, draw: float, elapsed: timedelta
) -> None:
    now = START + elapsed
    answer = decide_retry(policy, failures, START, now, draw)
    if isinstance(answer, Retry):
        assert now <= answer.at <= now + (policy.max_delay if policy.max_delay is not None else LONGEST_DELAY)
        assert policy.max_attempts is None or failures < policy.max_attempts
        if policy.max_elapsed is not None:
            assert elapsed <= policy.max_elapsed


@given(policies, st.integers(1, 1000), draws)
def test_without_jitter_a_later_failure_never_waits_less(
    policy: RetryPolicy, failures: int, draw: float
) -> None:
    even = RetryPolicy("custom", policy.initial, policy.factor, policy.max_delay, None, None, 0.0)
    sooner = decide_retry(even, failures, START, START, draw)
    later = decide_retry(even, failures + 1, START, START, draw)
    assert isinstance(sooner, Retry)
    assert isinstance(later, Retry)
    assert sooner.at <= later.at


@given(policies, st.integers(1, 1000), draws, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_no_retry_comes_at_or_after_the_expiry(
    policy: RetryPolicy, failures: int, draw: float, left: timedelta
) -> None:
    answer = decide_retry(policy, failures, START, START, draw, expires_at=START + left)
    assert isinstance(answer, Final) or answer.at < START + left
