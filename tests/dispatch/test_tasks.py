"""Fan-out: places, waves, the breaker, tries, and what the run becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dispatch.tasks import (
    Again,
    Cancelled,
    FanOutRules,
    Go,
    Lost,
    NextWave,
    Stop,
    Succeeded,
    Wave,
    decide_end_of_try,
    decide_more,
    decide_result,
    needed,
    wave_sizes,
)

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)


def rules(**different: Any) -> FanOutRules:
    fields: dict[str, Any] = {
        "parallel": 3,
        "waves": (),
        "wave_min_success": "1%",
        "min_success": "100%",
        "max_failures": None,
        "retry_every": timedelta(minutes=5),
        "expires_in": HALF_AN_HOUR,
        "timeout": None,
        "on_pause": "finish",
    }
    return FanOutRules(**{**fields, **different})


def end(outcome: str, **different: Any) -> Any:
    fields: dict[str, Any] = {
        "retryable": True,
        "resumes": True,
        "failures": 0,
        "crashes": 0,
        "expires_at": NOW + HALF_AN_HOUR,
        "now": NOW,
    }
    return decide_end_of_try(different.pop("of", rules()), outcome, **{**fields, **different})


def test_a_target_whose_end_was_asked_for_is_cancelled_unless_it_had_succeeded() -> None:
    assert end("succeeded", asked="cancel") == Succeeded()
    for outcome in ("stopped", "failed", "crashed"):
        assert end(outcome, asked="kill") == Cancelled("kill")


@pytest.mark.parametrize(
    ("waves", "total", "sizes"),
    [
        ((), 500, (500,)),
        ((1, 10, "25%", "100%"), 500, (1, 10, 125, 364)),
        ((2,), 5, (2, 2, 1)),
        (("30%",), 10, (3, 3, 3, 1)),
        (("1%",), 5, (1, 1, 1, 1, 1)),
        ((10,), 3, (3,)),
        ((1,), 0, ()),
    ],
)
def test_waves_are_cut_as_ansible_cuts_serial(waves: Any, total: int, sizes: Any) -> None:
    assert wave_sizes(waves, total) == sizes


@pytest.mark.parametrize(
    ("share", "total", "least"),
    [
        ("100%", 500, 500),
        ("90%", 10, 9),
        ("29%", 100, 29),
        ("1%", 5, 1),
        (3, 10, 3),
        (30, 10, 10),
        ("0%", 9, 0),
    ],
)
def test_a_share_is_rounded_up(share: Any, total: int, least: int) -> None:
    assert needed(share, total) == least


def test_places_are_what_parallel_leaves() -> None:
    assert decide_more(rules(), Wave(10), number=1, waves=2, failed=0, running=1) == Go(2)
    assert decide_more(rules(), Wave(10), number=1, waves=2, failed=0, running=3) == Go(0)


def test_the_breaker_stops_the_rest_at_the_last_failure_allowed() -> None:
    broken = rules(max_failures=2)
    assert decide_more(broken, Wave(10, 3, 2), number=1, waves=2, failed=1, running=0) == Go(3)
    assert decide_more(broken, Wave(10, 3, 1), number=1, waves=2, failed=2, running=0) == Stop(
        "max-failures", "2 targets failed, maxFailures is 2"
    )


def test_a_wave_that_went_well_makes_room_for_the_next() -> None:
    assert decide_more(rules(), Wave(4, 4, 1), number=1, waves=2, failed=3, running=0) == NextWave()


def test_a_wave_that_did_not_reach_its_share_stops_the_rest() -> None:
    picky = rules(wave_min_success="95%")
    assert decide_more(picky, Wave(10, 10, 9), number=2, waves=3, failed=1, running=0) == Stop(
        "wave-failed", "9 of 10 targets of wave 2 succeeded, waveMinSuccess needs 10"
    )


def test_after_the_last_wave_nothing_is_stopped() -> None:
    assert decide_more(rules(), Wave(4, 4, 0), number=2, waves=2, failed=4, running=0) == NextWave()


def test_a_failed_target_is_tried_again_every_five_minutes_until_it_expires() -> None:
    assert end("failed") == Again(NOW + timedelta(minutes=5), "retry")
    assert end("timeout", failures=4) == Again(NOW + timedelta(minutes=5), "retry")
    assert end("failed", now=NOW + timedelta(minutes=25)) == Lost("expired")


def test_a_fatal_error_is_not_tried_again() -> None:
    assert end("failed", retryable=False) == Lost("fatal")


def test_an_interruption_uses_no_try() -> None:
    assert end("stopped") == Again(NOW, "interrupted")


def test_a_crash_interrupts_once_and_is_an_error_after_that() -> None:
    assert end("crashed", retryable=False) == Again(NOW, "interrupted")
    assert end("crashed", retryable=False, crashes=1) == Again(NOW + timedelta(minutes=5), "retry")
    assert end("crashed", resumes=False) == Lost("crash")


def test_success_is_success() -> None:
    assert end("succeeded") == Succeeded()


@pytest.mark.parametrize(
    ("succeeded", "min_success", "result"),
    [
        (10, "100%", "succeeded"),
        (9, "100%", "failed"),
        (9, "90%", "partially"),
        (8, "90%", "failed"),
        (8, 8, "partially"),
        (0, "0%", "failed"),
    ],
)
def test_min_success_decides_what_the_run_becomes(succeeded: int, min_success: Any, result: str) -> None:
    assert decide_result(rules(min_success=min_success), total=10, succeeded=succeeded) == result


def test_a_run_without_targets_succeeds() -> None:
    assert decide_result(rules(), total=0, succeeded=0) == "succeeded"


SHARES = st.integers(1, 40) | st.integers(1, 100).map(lambda part: f"{part}%")


@given(st.lists(SHARES, max_size=4), st.integers(0, 300))
def test_every_target_is_in_exactly_one_wave(waves: list[Any], total: int) -> None:
    sizes = wave_sizes(waves, total)
    assert sum(sizes) == total
    assert all(size > 0 for size in sizes)


@given(
    st.lists(
        st.lists(st.sampled_from(["succeeded", "failed", "crashed", "fatal"]), min_size=1, max_size=4),
        max_size=30,
    ),
    st.integers(1, 5),
    st.lists(SHARES, max_size=3),
    st.none() | st.integers(1, 5),
    SHARES,
)
def test_a_run_of_any_targets_ends_and_keeps_its_rules(
    tries: list[list[str]], parallel: int, waves: list[Any], max_failures: int | None, min_success: Any
) -> None:
    """Played through with the decisions alone: each target's tries end as listed, the last one repeats."""
    of = rules(parallel=parallel, waves=tuple(waves), max_failures=max_failures, min_success=min_success)
    sizes = wave_sizes(of.waves, len(tries))
    now, number, begun = NOW, 0, 0
    waiting: list[tuple[datetime, int]] = []  # retries
    state: dict[int, dict[str, Any]] = {}
    failed = succeeded = 0
    for _ in range(10_000):
        if number == len(sizes):
            break
        first = sum(sizes[:number])
        mine = [state[i]["end"] for i in range(first, begun) if state[i]["end"]]
        wave = Wave(sizes[number], len(mine), mine.count("succeeded"))
        decision = decide_more(of, wave, number=number + 1, waves=len(sizes), failed=failed, running=0)
        if isinstance(decision, Stop):
            break
        if isinstance(decision, NextWave):
            assert begun == first + sizes[number]  # nobody is left behind
            assert not waiting
            number += 1
            continue
        assert 0 < decision.places <= parallel
        waiting.sort()
        starts = [i for at, i in waiting if at <= now][: decision.places]
        waiting = [(at, i) for at, i in waiting if i not in starts]
        while len(starts) < decision.places and begun < first + sizes[number]:
            starts.append(begun)
            state[begun] = {"n": 0, "failures": 0, "crashes": 0, "expires": now + of.expires_in, "end": ""}
            begun += 1
        if not starts:
            now = min(at for at, _ in waiting)
            continue
        for i in starts:
            it = state[i]
            what = tries[i][min(it["n"], len(tries[i]) - 1)]
            it["n"] += 1
            found = decide_end_of_try(
                of,
                "failed" if what == "fatal" else what,
                retryable=what != "fatal",
                resumes=True,
                failures=it["failures"],
                crashes=it["crashes"],
                expires_at=it["expires"],
                now=now,
            )
            if isinstance(found, Again):
                assert found.at < it["expires"]
                it["failures"] += found.reason == "retry"
                it["crashes"] += found.reason == "interrupted"
                waiting.append((found.at, i))
            else:
                it["end"] = "succeeded" if isinstance(found, Succeeded) else "failed"
                succeeded += it["end"] == "succeeded"
                failed += it["end"] == "failed"
    else:
        raise AssertionError("it did not end")
    if max_failures is not None:
        assert failed < max_failures + parallel
    result = decide_result(of, total=len(tries), succeeded=succeeded)
    assert (result == "succeeded") == (succeeded == len(tries))
    if result == "partially":
        assert succeeded >= needed(min_success, len(tries))
