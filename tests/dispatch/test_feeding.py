"""Which items make a start: by number, by quiet and by time, and never one of them twice or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.feeding import (
    MOST_BYTES,
    NotYet,
    Overflow,
    Take,
    Waiting,
    decide_arrival,
    decide_feed,
    is_late,
    room_for,
    to_look_at,
)
from runner.schedules.trigger import Flow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def some(*ages_s: float, size: int = 10) -> list[Waiting]:
    return [Waiting(n, NOW - age * SECOND, size) for n, age in enumerate(ages_s, 1)]


def test_an_item_that_arrives_alone_starts_at_once() -> None:
    assert decide_feed(some(5, 3), Flow(), NOW) == Take((1,), "arrived")
    assert decide_feed([], Flow(), NOW) == NotYet(None, "nothing waits")


def test_a_batch_starts_when_it_is_full_or_its_first_has_waited_long_enough() -> None:
    flow = Flow(size=3, within=60 * SECOND)
    assert decide_feed(some(10, 5), flow, NOW) == NotYet(NOW + 50 * SECOND, "fewer than 3 wait")
    assert decide_feed(some(10, 5, 1, 1), flow, NOW) == Take((1, 2, 3), "enough")
    assert decide_feed(some(60, 5), flow, NOW) == Take((1, 2), "waited long enough")


def test_a_debounce_waits_for_quiet_but_not_for_ever() -> None:
    flow = Flow(quiet=10 * SECOND, at_most=60 * SECOND)
    assert decide_feed(some(15, 4), flow, NOW) == NotYet(NOW + 6 * SECOND, "more may arrive")
    assert decide_feed(some(15, 10), flow, NOW) == Take((1, 2), "quiet")
    assert decide_feed(some(60, 20, 1), flow, NOW) == Take((1, 2, 3), "waited long enough")


def test_a_clock_that_was_put_back_holds_nothing_up() -> None:
    ahead = [Waiting(1, NOW + timedelta(hours=5))]
    assert isinstance(decide_feed(ahead, Flow(size=5, within=60 * SECOND), NOW), Take)
    assert isinstance(decide_feed(ahead, Flow(quiet=10 * SECOND, at_most=60 * SECOND), NOW), Take)


def test_large_items_go_in_smaller_company_and_one_always_goes() -> None:
    flow = Flow(size=3, within=60 * SECOND)
    large = some(3, 2, 1, size=MOST_BYTES // 2)
    assert decide_feed(large, flow, NOW) == Take((1, 2), "enough")
    assert decide_feed(some(3, 2, 1, size=2 * MOST_BYTES), flow, NOW) == Take((1,), "enough")


def test_a_run_that_works_through_items_takes_them_itself() -> None:
    assert decide_feed(some(1), Flow(linger=SECOND), NOW) == Take((), "to be worked through")


def test_what_is_beyond_the_queue_is_dealt_with_as_declared() -> None:
    assert decide_arrival(9, Flow(limit=10)) == Overflow("accept")
    assert decide_arrival(10, Flow(limit=10)) == Overflow("refuse")
    assert decide_arrival(10, Flow(limit=10, overflow="drop-newest")) == Overflow("drop-newest")
    assert decide_arrival(12, Flow(limit=10, overflow="drop-oldest")) == Overflow("drop-oldest", 3)


def test_room_is_what_the_limit_of_the_job_leaves() -> None:
    assert [room_for("skip", 1, n) for n in (0, 1, 2)] == [1, 0, 0]
    assert room_for("queue", 3, 1) == 2
    assert room_for("allow", None, 50) > 50
    assert room_for("replace", 1, 1) > 0


def test_a_start_deadline_counts_from_the_arrival() -> None:
    assert is_late(NOW - 61 * SECOND, timedelta(minutes=1), NOW)
    assert not is_late(NOW - 60 * SECOND, timedelta(minutes=1), NOW)
    assert not is_late(NOW - timedelta(days=9), None, NOW)


flows = st.one_of(
    st.builds(Flow, size=st.integers(1, 20), within=st.integers(0, 90).map(lambda s: s * SECOND)),
    st.integers(1, 90).flatmap(
        lambda s: st.builds(
            Flow, quiet=st.just(s * SECOND), at_most=st.integers(s, 200).map(lambda m: m * SECOND)
        )
    ),
)


@given(flow=flows, ages=st.lists(st.integers(0, 600), min_size=1, max_size=60))
def test_every_item_is_taken_once_in_order_and_in_time(flow: Flow, ages: list[int]) -> None:
    """However long it takes: asked again when it says so, and until nothing waits."""
    waiting = [Waiting(n, NOW - age * SECOND) for n, age in enumerate(sorted(ages, reverse=True), 1)]
    now, taken = NOW, []
    latest = waiting[-1].arrived_at + max(flow.within, flow.at_most)
    while waiting:
        decided = decide_feed(waiting, flow, now)
        if isinstance(decided, NotYet):
            assert decided.until is not None and now < decided.until <= latest
            now = decided.until
            continue
        assert decided.ids == tuple(item.id for item in waiting[: len(decided.ids)]) != ()
        taken += decided.ids
        waiting = waiting[len(decided.ids) :]
    assert taken == [*range(1, len(ages) + 1)]


@given(
    flow=st.one_of(flows, st.just(Flow(linger=SECOND)), st.just(Flow(linger=SECOND, size=5, within=SECOND))),
    ages=st.lists(st.integers(0, 100), max_size=60),
)
def test_of_a_long_queue_no_more_is_looked_at_than_the_answer_needs(flow: Flow, ages: list[int]) -> None:
    waiting = [Waiting(n, NOW - age * SECOND) for n, age in enumerate(sorted(ages, reverse=True), 1)]
    for most in to_look_at(flow):
        decided = decide_feed(waiting[:most], flow, NOW, number=len(waiting))
        if isinstance(decided, NotYet):
            break
    assert decided == decide_feed(waiting, flow, NOW)


@given(
    limit=st.integers(1, 20),
    overflow=st.sampled_from(["refuse", "drop-oldest", "drop-newest"]),
    arrivals=st.integers(0, 100),
)
def test_a_queue_never_grows_beyond_its_limit(limit: int, overflow: str, arrivals: int) -> None:
    waiting = 0
    for _ in range(arrivals):
        answer = decide_arrival(waiting, Flow(limit=limit, overflow=overflow))  # type: ignore[arg-type]
        waiting += {"accept": 1, "drop-oldest": 1 - answer.drop}.get(answer.action, 0)
        assert 0 <= waiting <= limit
