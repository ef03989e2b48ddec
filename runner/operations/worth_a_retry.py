"""Is the failure of an attempt one that its job and its step want to be tried again?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.execution.order import Ended
from runner.retries import Failure, may_be_retried


def worth_a_retry(ended: Ended, spec: Mapping[str, Any]) -> bool:
    """Whether an attempt that failed so may be tried again, as its job and its step say (a resolved job)."""
    error = ended.error
    if error is None:
        return may_be_retried(Failure(ended.outcome, True), spec)
    classes = error.info.get("classes") or ()
    failure = Failure(error.code, error.retryable, tuple(map(str, classes)), error.exit_code, error.sqlstate)
    step = next((each for each in spec.get("steps") or () if each["name"] == error.step), None)
    return may_be_retried(failure, spec if step is None else step)
