"""May an instance start: the holds, the overlap, and what force passes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.dispatch.start import Skip, Start, Wait, decide_manual, decide_start
from runner.lifecycle.holds import Hold


def held(*kinds: str) -> list[Hold]:
    return [Hold(kind, "ana", "", datetime(2026, 11, 21, tzinfo=UTC)) for kind in kinds]


def test_nothing_in_the_way_is_a_start() -> None:
    assert decide_start([], []) == Start()


@pytest.mark.parametrize(
    "kind", ["new", "git", "operator", "group:nightly", "failure", "auth:x", "missing_ref"]
)
def test_any_hold_drops_an_automatic_start(kind: str) -> None:
    assert decide_start(held(kind), []) == Skip(f"hold {kind}", kind)


def test_a_pause_lets_an_automatic_start_wait() -> None:
    assert decide_start(held("paused"), []) == Wait("paused")


def test_an_open_instance_stands_in_the_way_and_is_named() -> None:
    assert decide_start([], [41, 42]) == Skip("overlap", "41")


def test_a_limit_of_two_lets_a_second_one_in() -> None:
    assert decide_start([], [41], limit=2) == Start()


def test_allow_starts_beside_anything() -> None:
    assert decide_start([], [41, 42], policy="allow") == Start()


def test_a_start_by_hand_obeys_the_overlap_rule() -> None:
    assert decide_start([], [41], origin="manual") == Skip("overlap", "41")


def test_force_passes_overlap_and_hold_and_says_what_it_passed() -> None:
    assert decide_start(held("operator"), [41], origin="manual", force=True) == Start(
        "hold operator, overlap with instance 41"
    )


def test_an_instance_that_has_begun_finishes_under_a_later_hold_but_waits_for_a_pause() -> None:
    assert decide_start(held("operator"), [41], begun=True) == Start()
    assert decide_start(held("paused"), [], begun=True) == Wait("paused")


def test_a_failed_job_may_be_started_by_hand() -> None:
    assert decide_manual(held("failure"), force=False) == Start()


@pytest.mark.parametrize("kind", ["new", "operator", "group:nightly", "auth:warehouse"])
def test_other_holds_need_force(kind: str) -> None:
    assert decide_manual(held(kind), force=False) == Skip(f"hold {kind}", kind)
    assert decide_manual(held(kind), force=True) == Start(f"hold {kind}")


@pytest.mark.parametrize("kind", ["removed", "maintenance"])
def test_force_does_not_pass_removal_or_maintenance(kind: str) -> None:
    assert decide_manual(held(kind), force=True) == Skip(f"hold {kind}", kind)
