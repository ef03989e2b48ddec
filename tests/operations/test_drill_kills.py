"""At which moments a drilled run is killed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.operations.drill_kills import Kill, choose_kills, numbers


def test_it_is_killed_at_once_and_late_after_each_checkpoint_and_late_before_the_first() -> None:
    assert choose_kills(2, most=100) == (
        Kill(0, late=True),
        Kill(1, late=False),
        Kill(1, late=True),
        Kill(2, late=False),
        Kill(2, late=True),
    )


def test_of_too_many_checkpoints_some_are_chosen_evenly() -> None:
    assert numbers(choose_kills(10_000, most=9)) == (0, 2500, 5000, 7500, 10_000)


def test_of_one_kill_it_is_the_one_at_the_end() -> None:
    assert choose_kills(10, most=1) == (Kill(10, late=True),)


@given(st.integers(1, 20_000), st.integers(1, 300))
def test_there_are_never_too_many_and_the_last_checkpoint_is_among_them(checkpoints: int, most: int) -> None:
    kills = choose_kills(checkpoints, most)
    assert 0 < len(kills) <= most
    assert kills == tuple(sorted(set(kills)))
    assert kills[-1] == Kill(checkpoints, late=True)
    assert most < 3 or kills[0] == Kill(0, late=True)
