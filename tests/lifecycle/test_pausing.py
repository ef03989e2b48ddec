"""Who may be paused, how, and what keeps it paused."""

from __future__ import annotations

import pytest

from runner.lifecycle.pausing import (
    GRACE,
    KEEPS_PAUSED,
    PATIENCE,
    NotPausable,
    Pausable,
    decide_pause,
    reasons_left,
)


@pytest.mark.parametrize(
    ("on_crash", "boundary", "checkpoints", "expected"),
    [
        ("resume", False, False, Pausable(GRACE, forced=True)),
        ("resume", True, True, Pausable(GRACE, forced=True)),
        ("fail", True, False, Pausable(PATIENCE, forced=False)),
        ("fail", False, True, Pausable(PATIENCE, forced=False)),
    ],
)
def test_work_that_may_be_repeated_is_forced_and_other_work_is_only_asked(
    on_crash: str, boundary: bool, checkpoints: bool, expected: Pausable
) -> None:
    assert decide_pause(on_crash=on_crash, boundary_ahead=boundary, has_checkpoints=checkpoints) == expected


def test_the_last_step_of_work_that_may_not_be_repeated_cannot_be_paused() -> None:
    answer = decide_pause(on_crash="fail", boundary_ahead=False, has_checkpoints=False)
    assert answer == NotPausable("its last step is under way, which onCrash: fail does not let begin anew")


@pytest.mark.parametrize(
    ("pauses", "lifted", "held", "left"),
    [
        ({"operator"}, {"operator"}, (), ()),
        ({"operator", "eviction"}, {"eviction"}, (), ("operator",)),
        ({"eviction"}, {"eviction"}, ("paused",), ("job",)),
        ({"eviction"}, {"eviction"}, ("group:night", "failure"), ("disable",)),
        ({"eviction"}, {"eviction"}, ("failure", "auth:api"), ()),
        ({"eviction"}, {"eviction"}, ("removed", "expired"), ()),
    ],
)
def test_it_goes_on_when_every_reason_is_lifted_and_no_hold_keeps_it(
    pauses: set[str], lifted: set[str], held: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert reasons_left(pauses, lifted, held) == left


def test_what_drains_is_not_kept_by_the_hold_that_drains_it() -> None:
    assert "removed" not in KEEPS_PAUSED
