"""Which failures are tried again: by error class, exit code and SQL state, per job and per step."""

from __future__ import annotations

from typing import Any

import pytest
from installations import Installation, a_job
from lives import a_slot_run, at, end, start

from runner.execution.order import ErrorInfo

HOURLY: dict[str, Any] = {"every": "1h"}


def ends_as(here: Installation, error: ErrorInfo, **spec: Any) -> str:
    here.install(a_job("tick", **{"schedule": HOURLY, "retry": "backoff", **spec}))
    id = a_slot_run(here, "tick", at(1))
    start(here, id, at(1))
    finished = end(here, id, "failed", at(1), error=error)
    assert finished is not None
    return f"{finished.state} {finished.reason}"


def an_error(code: str = "exit-code", *, again: bool = True, **more: Any) -> ErrorInfo:
    return ErrorInfo(code, "it did not work", "run", retryable=again, **more)


RETRIED = "SCHEDULED retry"


def test_without_a_word_the_action_decides(sound: Installation) -> None:
    assert ends_as(sound, an_error()) == RETRIED


def test_a_fatal_error_is_final(sound: Installation) -> None:
    assert ends_as(sound, an_error("statement", again=False)) == "FAILED statement"


@pytest.mark.parametrize(
    ("error", "spec"),
    [
        (an_error(exit_code=75), {"retryOn": {"exitCodes": [75]}}),
        (an_error("sql", again=False, sqlstate="40P01"), {"retryOn": {"sqlStates": ["40"]}}),
        (an_error("sql", again=False, sqlstate="23505"), {"retryOn": {"sqlStates": ["23505"]}}),
        (an_error("TimeoutError"), {"retryOn": {"errors": ["TimeoutError"]}}),
        (
            an_error("ConnectionResetError", info={"classes": ["ConnectionError", "OSError"]}),
            {"retryOn": {"errors": ["ConnectionError"]}},
        ),
        (an_error(exit_code=1), {"neverRetryOn": {"exitCodes": [2]}}),
    ],
)
def test_what_is_named_is_tried_again(sound: Installation, error: ErrorInfo, spec: dict[str, Any]) -> None:
    assert ends_as(sound, error, **spec) == RETRIED


@pytest.mark.parametrize(
    ("error", "spec"),
    [
        (an_error(exit_code=1), {"retryOn": {"exitCodes": [75]}}),
        (an_error("sql", sqlstate="08006"), {"retryOn": {"sqlStates": ["40"]}}),
        (an_error("ValueError"), {"retryOn": {"errors": ["ConnectionError"]}}),
        (an_error(exit_code=75), {"neverRetryOn": {"exitCodes": [75]}}),
        (an_error(exit_code=75), {"retryOn": {"exitCodes": [75]}, "neverRetryOn": {"errors": ["exit-code"]}}),
        (an_error(), {"retryOn": {}}),
    ],
)
def test_what_is_not_named_or_named_as_final_is_not(
    sound: Installation, error: ErrorInfo, spec: dict[str, Any]
) -> None:
    assert ends_as(sound, error, **spec) == f"FAILED {error.code}"


def test_an_authorization_error_spends_no_retry_whatever_is_declared(sound: Installation) -> None:
    error = an_error("authorization", sqlstate="28P01")
    everything = {"errors": ["authorization"], "sqlStates": ["28"]}
    assert ends_as(sound, error, retryOn=everything) == "FAILED authorization"


def test_a_step_says_it_for_itself(sound: Installation) -> None:
    step = {"name": "run", "shell": "true", "retryOn": {"exitCodes": [4]}}
    error = an_error(exit_code=75)
    assert ends_as(sound, error, steps=[step], retryOn={"exitCodes": [75]}) == "FAILED exit-code"
