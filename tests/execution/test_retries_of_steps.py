"""A step that is tried again in its process: only for the failures that it or its job names."""

from __future__ import annotations

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

AT_ONCE = {"policy": "custom", "initial": "0s", "maxAttempts": 3}
RESET = "def run():\n    raise ConnectionResetError('gone')\n"


@pytest.mark.parametrize(
    ("more", "tries"),
    [
        ({}, 3),
        ({"retryOn": {"exitCodes": [75]}}, 3),
        ({"retryOn": {"exitCodes": [1]}}, 1),
        ({"neverRetryOn": {"exitCodes": [75]}}, 1),
    ],
)
def test_a_script_is_tried_again_after_these_exit_codes(
    workshop: Workshop, more: dict[str, object], tries: int
) -> None:
    ended = workshop.run(a_shell_step("exit 75", onFailure="retry", retry=AT_ONCE, **more))
    assert ended.outcome == "failed"
    assert workshop.events().count(("start", "work")) == tries


def test_an_exception_is_also_its_base_classes(workshop: Workshop) -> None:
    wanted = {"errors": ["ConnectionError"]}
    ended = workshop.run(a_python_step(RESET, onFailure="retry", retry=AT_ONCE, retryOn=wanted))
    assert ended.error is not None
    assert (ended.error.code, ended.error.info["classes"]) == (
        "ConnectionResetError",
        ["ConnectionError", "OSError"],
    )
    assert workshop.events().count(("start", "work")) == 3


def test_a_final_error_that_is_named_is_tried_again(workshop: Workshop) -> None:
    wanted = {"errors": ["ModuleNotFoundError"]}
    source = "import not_there\n"
    workshop.run(a_python_step(source, onFailure="retry", retry=AT_ONCE, retryOn=wanted))
    assert workshop.events().count(("start", "work")) == 3
