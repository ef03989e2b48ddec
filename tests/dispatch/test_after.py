"""Ends of other jobs make starts together: each counts once, those of one date belong together."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.after import DEEPEST, End, Together, decide_chain, decide_together

MON, TUE = date(2026, 11, 23), date(2026, 11, 24)


def test_with_one_job_each_end_is_a_start() -> None:
    ends = [End(1, "a", MON), End(2, "a", MON)]
    assert decide_together(ends, {"a"}, same_date=False) == (Together((1,), ()), Together((2,), ()))


def test_several_wait_for_each_other() -> None:
    assert decide_together([End(1, "a", MON)], {"a", "b"}, same_date=False) == ()
    ends = [End(1, "a", MON), End(2, "b", TUE)]
    assert decide_together(ends, {"a", "b"}, same_date=False) == (Together((1, 2), ()),)


def test_the_latest_end_of_each_counts_and_stands_for_the_earlier_ones() -> None:
    ends = [End(1, "a", MON), End(2, "a", MON), End(3, "a", MON), End(4, "b", MON)]
    assert decide_together(ends, {"a", "b"}, same_date=False) == (Together((3, 4), (1, 2)),)


def test_ends_of_one_date_belong_together_whatever_their_order() -> None:
    ends = [End(1, "a", TUE), End(2, "b", MON), End(3, "b", TUE)]
    assert decide_together(ends, {"a", "b"}, same_date=True) == (Together((1, 3), ()),)
    late = [*ends, End(4, "a", MON)]
    assert decide_together(late, {"a", "b"}, same_date=True) == (Together((1, 3), ()), Together((2, 4), ()))


def test_what_has_no_date_meets_nobody() -> None:
    ends = [End(1, "a", None), End(2, "b", None)]
    assert decide_together(ends, {"a", "b"}, same_date=True) == ()


ends = st.lists(st.tuples(st.sampled_from("abcx"), st.sampled_from([MON, TUE, None])), max_size=40).map(
    lambda rows: [End(n, job, on) for n, (job, on) in enumerate(rows, 1)]
)


@given(ends=ends, same_date=st.booleans())
def test_no_end_is_in_two_starts_and_each_start_has_one_of_each(ends: list[End], same_date: bool) -> None:
    by_id = {end.id: end for end in ends}
    used: list[int] = []
    for start in decide_together(ends, {"a", "b", "c"}, same_date=same_date):
        assert sorted(by_id[id].job for id in start.ids) == ["a", "b", "c"]
        if same_date:
            assert len({by_id[id].date for id in (*start.ids, *start.superseded)}) == 1
        used += [*start.ids, *start.superseded]
    assert len(used) == len(set(used))


@given(ends=ends, same_date=st.booleans())
def test_what_is_left_makes_no_further_start(ends: list[End], same_date: bool) -> None:
    starts = decide_together(ends, {"a", "b", "c"}, same_date=same_date)
    used = {id for start in starts for id in (*start.ids, *start.superseded)}
    left = [end for end in ends if end.id not in used]
    assert decide_together(left, {"a", "b", "c"}, same_date=same_date) == ()


def test_a_chain_that_comes_back_or_never_ends_is_stopped() -> None:
    assert decide_chain("c", "b", ["a"]) is None
    assert decide_chain("a", "b", ["a"]) == "cycle: a > b > a"
    assert decide_chain("a", "a", []) == "cycle: a > a"
    long = [f"j{n}" for n in range(DEEPEST - 1)]
    assert (decide_chain("z", "y", long) or "").startswith("depth: ")
    assert decide_chain("z", "y", long[:-1]) is None
