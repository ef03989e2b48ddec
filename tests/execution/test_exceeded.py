"""Which limit a failure comes from: decided from the error, what was used, and what was declared."""

from __future__ import annotations

from typing import Any

import pytest

from runner.execution.exceeded import name_exceeded
from runner.execution.order import ErrorInfo, Usage

LIMITS = {"memory": "1GiB", "cpuTime": "10s", "openFiles": 64, "processes": 5}
LITTLE = Usage(0.1, 10 << 20)


def an_error(code: str, description: str = "it failed", **more: Any) -> ErrorInfo:
    return ErrorInfo(code, description, "work", retryable=True, **more)


@pytest.mark.parametrize(
    ("error", "usage", "code", "key"),
    [
        (an_error("signal", "it was killed by SIGXCPU"), LITTLE, "cpu-time", "cpuTime is 10s"),
        (an_error("exit-code", exit_code=152), LITTLE, "cpu-time", "cpuTime is 10s"),
        (an_error("signal", "it was killed by SIGKILL"), Usage(15.0, 1), "cpu-time", "cpuTime is 10s"),
        (an_error("MemoryError"), LITTLE, "memory-limit", "memory is 1GiB"),
        (an_error("OSError", "[Errno 12] Cannot allocate memory"), LITTLE, "memory-limit", "memory is 1GiB"),
        (an_error("exit-code", exit_code=1), Usage(0.1, 1020 << 20), "memory-limit", "memory is 1GiB"),
        (
            an_error("OSError", "[Errno 24] Too many open files"),
            LITTLE,
            "open-files-limit",
            "openFiles is 64",
        ),
        (an_error("RuntimeError", "can't start new thread"), LITTLE, "processes-limit", "processes is 5"),
    ],
)
def test_the_limit_is_named_with_its_number_and_what_to_do(
    error: ErrorInfo, usage: Usage, code: str, key: str
) -> None:
    named = name_exceeded(error, usage, LIMITS)
    assert named is not None
    assert named.code == code
    assert f"limits.{key}; make it larger, or let the job use less" in named.description
    assert error.description in named.description
    assert (named.step, named.exit_code) == (error.step, error.exit_code)


@pytest.mark.parametrize(
    "error",
    [
        an_error("exit-code", exit_code=1),
        an_error("signal", "it was killed by SIGKILL"),
        an_error("ValueError", "no"),
    ],
)
def test_another_failure_stays_what_it_is(error: ErrorInfo) -> None:
    assert name_exceeded(error, LITTLE, LIMITS) == error
    assert name_exceeded(an_error("MemoryError"), LITTLE, {}) == an_error("MemoryError")
    assert name_exceeded(None, LITTLE, LIMITS) is None


def test_what_needs_too_much_is_not_tried_again_but_what_others_may_free_is() -> None:
    memory = name_exceeded(an_error("MemoryError"), LITTLE, LIMITS)
    threads = name_exceeded(an_error("RuntimeError", "can't start new thread"), LITTLE, LIMITS)
    assert memory is not None
    assert threads is not None
    assert (memory.retryable, threads.retryable) == (False, True)
