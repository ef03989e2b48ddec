"""Locks and places in groups: who may take them, in which order, whatever happens to whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.places import Need, Taker, decide_places, needed
from runner.dispatch.start import Wait

WAREHOUSE = Need("warehouse")
NIGHTLY = Need("group:nightly", 2)


def test_a_free_lock_may_be_taken() -> None:
    assert decide_places([WAREHOUSE], [Taker(1, ("ledger",))], []) is None


def test_a_lock_that_is_held_is_waited_for_and_its_holder_named() -> None:
    waits = decide_places([WAREHOUSE], [Taker(1, ("ledger", "warehouse"))], [])
    assert waits == Wait("lock warehouse", "1", for_places=True)


def test_a_group_has_so_many_places() -> None:
    members = [Taker(1, ("group:nightly",)), Taker(2, ("group:nightly",))]
    assert decide_places([NIGHTLY], members[:1], []) is None
    assert decide_places([NIGHTLY], members, []) == Wait("group nightly", "1", for_places=True)


def test_a_group_without_a_limit_stops_nobody() -> None:
    members = [Taker(id, ("group:nightly",)) for id in range(9)]
    assert decide_places(needed((), [("nightly", None)]), members, members) is None


def test_whoever_fell_due_earlier_takes_it_first_even_while_it_waits_for_something_else() -> None:
    ahead = [Taker(7, ("ledger", "warehouse"))]
    waits = decide_places([WAREHOUSE], [Taker(1, ("ledger",))], ahead)
    assert waits == Wait("turn at lock warehouse", "7", for_places=True)


def test_those_ahead_leave_the_places_that_are_left_over() -> None:
    ahead = [Taker(7, ("ledger", "group:nightly"))]
    assert decide_places([NIGHTLY], [], ahead) is None
    waits = decide_places([NIGHTLY], [Taker(1, ("group:nightly",))], ahead)
    assert waits == Wait("turn at group nightly", "7", for_places=True)


NAMES = ("a", "b", "group:g")
LIMITS = {"a": 1, "b": 1, "group:g": 2}


@given(
    wants=st.lists(st.sets(st.sampled_from(NAMES), min_size=1), min_size=1, max_size=8),
    picks=st.lists(st.tuples(st.booleans(), st.integers(0, 7)), max_size=60),
)
def test_no_lock_has_two_holders_and_everybody_has_a_turn(
    wants: list[set[str]], picks: list[tuple[bool, int]]
) -> None:
    """Starts and ends in any order: whoever has waited longest gets its places as soon as they are free."""
    waiting = {id: tuple(sorted(names)) for id, names in enumerate(wants)}
    holding: dict[int, tuple[str, ...]] = {}

    def ask(id: int) -> None:
        ahead = [Taker(other, waiting[other]) for other in sorted(waiting) if other < id]
        holders = [Taker(*held) for held in holding.items()]
        if decide_places([Need(name, LIMITS[name]) for name in waiting[id]], holders, ahead) is None:
            holding[id] = waiting.pop(id)
        for name, limit in LIMITS.items():
            assert sum(name in names for names in holding.values()) <= limit

    for starts, number in picks:
        if starts and number in waiting:
            ask(number)
        elif not starts and number in holding:
            del holding[number]
    while waiting:  # from here on somebody ends, and all are asked in their turn
        first = min(waiting)
        for id in sorted(waiting):
            ask(id)
        assert first not in waiting or holding
        if holding:
            del holding[min(holding)]
