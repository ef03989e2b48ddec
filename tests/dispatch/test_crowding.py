"""Starts that are due while every place is taken wait, first due first served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from runner.dispatch.crowding import Crowd, Expected, crowds

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def start(minutes: float, job: str, lasts: float = 10) -> Expected:
    return Expected(at(minutes), job, timedelta(minutes=lasts))


def test_as_many_as_there_are_places_wait_for_nobody() -> None:
    assert crowds([start(0, "a"), start(0, "b"), start(10, "c"), start(10, "d")], 2) == ()


def test_the_rest_of_a_burst_waits_and_the_last_one_longest() -> None:
    [crowd] = crowds([start(0, name) for name in "abcde"], 2)
    assert crowd == Crowd(at(0), at(20), 5, 3, timedelta(minutes=20), ("c", "d", "e"))


def test_a_long_run_lets_a_later_start_wait() -> None:
    [crowd] = crowds([start(0, "long", 60), start(30, "short")], 1)
    assert (crowd.at, crowd.until, crowd.jobs) == (at(30), at(60), ("short",))


def test_pile_ups_apart_are_told_apart() -> None:
    starts = [start(0, "a"), start(0, "b"), start(300, "a"), start(300, "b")]
    assert [crowd.at for crowd in crowds(starts, 1)] == [at(0), at(300)]


def test_a_start_that_its_own_overlap_policy_drops_waits_for_nobody() -> None:
    """A job that takes longer than its interval does not pile up behind itself."""
    starts = [Expected(at(n), "slow", timedelta(minutes=3), alone=True) for n in range(60)]
    assert crowds(starts, 1) == ()
    [crowd] = crowds([start(0, "long", 60), *starts[1:]], 1)
    assert (crowd.waiting, crowd.jobs) == (1, ("slow",))


def test_nothing_to_start_is_no_pile_up() -> None:
    assert crowds([], 5) == ()
