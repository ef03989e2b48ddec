"""May an instance start: the holds, the overlap, and what force passes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.dispatch.start import Other, Replace, Skip, Start, Wait, decide_manual, decide_start
from runner.lifecycle.holds import Hold


def held(*kinds: str) -> list[Hold]:
    return [Hold(kind, "ana", "", datetime(2026, 11, 21, tzinfo=UTC)) for kind in kinds]


def running(*ids: int) -> list[Other]:
    return [Other(id, "RUNNING") for id in ids]


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
    assert decide_start([], running(41, 42)) == Skip("overlap", "41")


def test_a_limit_of_two_lets_a_second_one_in() -> None:
    assert decide_start([], running(41), limit=2) == Start()


def test_allow_starts_beside_anything() -> None:
    assert decide_start([], running(41, 42), policy="allow", limit=None) == Start()


def test_allow_with_a_limit_lets_what_is_beyond_it_wait() -> None:
    assert decide_start([], running(41), policy="allow", limit=2) == Start()
    assert decide_start([], running(41, 42), policy="allow", limit=2) == Wait("overlap", "41")


def test_a_queue_waits_and_says_behind_what() -> None:
    assert decide_start([], running(41), policy="queue") == Wait("overlap", "41")


def test_a_queue_of_one_gives_up_what_waited_before() -> None:
    assert decide_start([], running(41), policy="queue-one") == Wait("overlap", "41", displaces=True)


@pytest.mark.parametrize("state", ["RUNNING", "PAUSING", "PAUSED", "SCHEDULED"])
def test_a_newer_start_replaces_what_is_open(state: str) -> None:
    assert decide_start([], [Other(41, state)], policy="replace") == Replace((41,))


def test_only_as_many_are_replaced_as_are_in_the_way_the_oldest_first() -> None:
    assert decide_start([], running(41, 42, 43), policy="replace", limit=3) == Replace((41,))
    assert decide_start([], running(41, 42, 43), policy="replace", limit=2) == Replace((41, 42))
    assert decide_start([], running(41, 42), policy="replace", limit=3) == Start()


def test_what_is_being_stopped_makes_room_already() -> None:
    others = [Other(41, "STOPPING"), Other(42, "RUNNING")]
    assert decide_start([], others, policy="replace", limit=2) == Wait("overlap", "41", displaces=True)
    assert decide_start([], others, policy="replace", limit=1) == Replace((42,))


def test_what_may_still_run_unseen_is_not_replaced() -> None:
    assert decide_start([], [Other(41, "UNKNOWN")], policy="replace") == Wait("overlap", "41", displaces=True)


def test_a_start_by_hand_obeys_the_overlap_rule() -> None:
    assert decide_start([], running(41), origin="manual") == Skip("overlap", "41")


def test_force_passes_overlap_and_hold_and_says_what_it_passed() -> None:
    assert decide_start(held("operator"), running(41), origin="manual", force=True) == Start(
        "hold operator, overlap with instance 41"
    )


def test_an_instance_that_has_begun_finishes_under_a_later_hold_but_waits_for_a_pause() -> None:
    assert decide_start(held("operator"), running(41), begun=True) == Start()
    assert decide_start(held("paused"), [], begun=True) == Wait("paused")


def test_a_failed_job_may_be_started_by_hand() -> None:
    assert decide_manual(held("failure"), force=False) == Start()


def test_what_a_one_time_job_has_done_may_be_run_again_without_force() -> None:
    assert decide_manual(held("finished"), force=False, again=True) == Start()
    assert decide_manual(held("finished"), force=False) == Skip("hold finished", "finished")
    assert decide_start(held("finished"), [], origin="rerun") == Start()
    assert decide_start(held("finished"), [], origin="manual") == Skip("hold finished", "finished")


@pytest.mark.parametrize("kind", ["new", "operator", "group:nightly", "auth:warehouse"])
def test_other_holds_need_force(kind: str) -> None:
    assert decide_manual(held(kind), force=False) == Skip(f"hold {kind}", kind)
    assert decide_manual(held(kind), force=True) == Start(f"hold {kind}")


@pytest.mark.parametrize("kind", ["removed", "maintenance"])
def test_force_does_not_pass_removal_or_maintenance(kind: str) -> None:
    assert decide_manual(held(kind), force=True) == Skip(f"hold {kind}", kind)
