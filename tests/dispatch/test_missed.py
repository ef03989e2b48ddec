"""Which due slots become instances after a downtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.missed import ROWS_AT_MOST, SlotDecision, decide_missed
from runner.schedules.slot import Slot

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def a_slot(age: timedelta) -> Slot:
    at = NOW - age
    return Slot(key=at.isoformat(), at=at, local=at.isoformat(), marks=(), merged=())


def minutes_ago(*minutes: int) -> list[Slot]:
    return [a_slot(timedelta(minutes=m)) for m in minutes]


def told(
    slots: list[Slot],
    policy: str = "last",
    *,
    max_age: timedelta = DAY,
    max_runs: int = 10,
    interval: timedelta | None = None,
) -> tuple[SlotDecision, ...]:
    return decide_missed(slots, now=NOW, policy=policy, max_age=max_age, max_runs=max_runs, interval=interval)


def created(decisions: tuple[SlotDecision, ...]) -> list[int]:
    return [round((NOW - d.slot.at) / timedelta(minutes=1)) for d in decisions if d.action == "create"]


def test_a_slot_within_a_minute_of_its_time_is_not_missed() -> None:
    (decision,) = told(minutes_ago(1), "none")
    assert (decision.action, decision.reason) == ("create", "slot")


def test_none_drops_what_was_missed_with_a_reason() -> None:
    decisions = told(minutes_ago(120, 60), "none")
    assert [(d.action, d.reason) for d in decisions] == [("skip", "missed: policy none")] * 2


def test_last_catches_up_the_newest_only() -> None:
    assert created(told(minutes_ago(180, 120, 60), "last")) == [60]


def test_a_slot_that_is_on_time_is_the_catching_up() -> None:
    assert created(told(minutes_ago(180, 120, 60, 0), "last")) == [0]


def test_all_catches_up_oldest_first() -> None:
    assert created(told(minutes_ago(180, 120, 60, 0), "all")) == [180, 120, 60, 0]


def test_a_slot_on_time_is_behind_those_that_are_caught_up_and_behind_nothing_else() -> None:
    assert [d.behind for d in told(minutes_ago(180, 120, 0), "all")] == [False, False, True]
    assert [d.behind for d in told(minutes_ago(180, 0), "last")] == [False, False]
    assert [d.behind for d in told(minutes_ago(1, 0), "all")] == [False, False]


def test_all_keeps_the_newest_when_there_are_too_many() -> None:
    assert created(told(minutes_ago(180, 120, 60), "all", max_runs=2)) == [120, 60]


def test_what_is_too_old_is_dropped_whatever_the_policy() -> None:
    decisions = told(minutes_ago(180, 60), "all", max_age=timedelta(hours=2))
    assert [(d.action, d.reason) for d in decisions] == [
        ("skip", "missed: older than 2h"),
        ("create", "missed: caught up"),
    ]


def test_a_short_interval_is_its_own_tolerance_its_end_included() -> None:
    slots = [a_slot(timedelta(seconds=s)) for s in (40, 30, 20, 10, 0)]
    assert [d.action for d in told(slots, "none", interval=timedelta(seconds=10))] == [
        "skip", "skip", "skip", "create", "create",
    ]  # fmt: skip


def test_more_than_fifty_dropped_slots_are_one_range() -> None:
    decisions = told(minutes_ago(*range(1000, 1, -1)), "none")
    assert len(decisions) == 1
    (dropped,) = decisions
    assert dropped.count == 999
    assert dropped.first is not None
    assert dropped.first.at == NOW - timedelta(minutes=1000)
    assert dropped.slot.at == NOW - timedelta(minutes=2)


def test_fifty_dropped_slots_are_a_row_each() -> None:
    assert len(told(minutes_ago(*range(51, 1, -1)), "none")) == 50


ages = st.lists(st.integers(0, 3000), unique=True, max_size=300).map(lambda m: sorted(m, reverse=True))


@given(ages, st.sampled_from(["none", "last", "all"]), st.integers(0, 3000), st.integers(1, 20))
def test_every_slot_is_decided_exactly_once_oldest_first(
    minutes: list[int], policy: str, max_age: int, max_runs: int
) -> None:
    slots = minutes_ago(*minutes)
    decisions = told(slots, policy, max_age=timedelta(minutes=max_age), max_runs=max_runs)
    assert sum(d.count for d in decisions) == len(slots)
    assert [d.slot.at for d in decisions] == sorted(d.slot.at for d in decisions)
    if slots:
        assert decisions[-1].slot == slots[-1]  # so the watermark reaches the last due slot
    for decision in decisions:
        assert (decision.count > ROWS_AT_MOST) == (decision.first is not None)
        assert decision.count == 1 or decision.action == "skip"


@given(ages, st.integers(0, 3000), st.integers(1, 20))
def test_no_policy_starts_more_than_it_may(minutes: list[int], max_age: int, max_runs: int) -> None:
    slots = minutes_ago(*minutes)
    on_time = [m for m in minutes if m <= 1]
    counts = {
        policy: len(created(told(slots, policy, max_age=timedelta(minutes=max_age), max_runs=max_runs)))
        for policy in ("none", "last", "all")
    }
    assert counts["none"] == len(on_time)
    assert counts["last"] <= max(len(on_time), 1)
    assert counts["none"] <= counts["last"] <= counts["all"] <= len(on_time) + max_runs


@given(ages, st.sampled_from(["none", "last", "all"]))
def test_what_is_caught_up_is_never_older_than_allowed(minutes: list[int], policy: str) -> None:
    for decision in told(minutes_ago(*minutes), policy, max_age=timedelta(hours=10)):
        if decision.action == "create":
            assert NOW - decision.slot.at <= timedelta(hours=10)
