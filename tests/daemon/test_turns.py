"""Whose turn it is: places, retries before newcomers, waves, and what was recorded before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from installations import NOW

from runner.daemon.turns import Turns
from runner.dispatch.tasks import Again, FanOutRules, Lost, Succeeded
from runner.store.tasks import OpenTask

LATER = NOW + timedelta(minutes=5)


def turns(count: int, *begun: OpenTask, **different: Any) -> Turns:
    """Of targets `t0` … that have not begun, but for those that are given."""
    fields: dict[str, Any] = {
        "parallel": 2, "waves": (), "wave_min_success": "1%", "min_success": "100%", "max_failures": None,
        "retry_every": timedelta(minutes=5), "expires_in": timedelta(minutes=30), "timeout": None,
        "on_pause": "finish",
    }  # fmt: skip
    tasks = [OpenTask(f"t{n}", n, "SCHEDULED", 0, None, None, 0, 0) for n in range(count)]
    for task in begun:
        tasks[task.position] = task
    return Turns(FanOutRules(**{**fields, **different}), tasks, NOW, None)


def recorded(position: int, state: str, **more: Any) -> OpenTask:
    usual = OpenTask(f"t{position}", position, state, 1, None, NOW + timedelta(minutes=30), 0, 0)
    return usual._replace(**more)


def test_places_are_given_in_the_order_of_the_inventory() -> None:
    it = turns(4)
    assert it.next(NOW).start == ["t0", "t1"]
    assert it.next(NOW).start == []
    it.ended("t0", Succeeded(), "succeeded")
    assert it.next(NOW).start == ["t2"]


def test_a_try_that_is_due_goes_before_what_has_not_begun() -> None:
    it = turns(4)
    it.next(NOW)
    it.ended("t0", Again(LATER, "retry"), "failed")
    assert it.next(NOW).start == ["t2"]
    it.ended("t1", Succeeded(), "succeeded")
    assert it.next_at() == LATER
    assert it.next(LATER).start == ["t0"]


def test_a_wave_waits_for_the_retries_of_the_one_before() -> None:
    it = turns(3, waves=(1, 2))
    assert it.next(NOW).start == ["t0"]
    it.ended("t0", Again(LATER, "retry"), "failed")
    assert it.next(NOW).start == []
    assert it.next(LATER).start == ["t0"]
    it.ended("t0", Succeeded(), "succeeded")
    assert it.next(LATER).start == ["t1", "t2"]


def test_a_run_goes_on_from_what_was_recorded() -> None:
    it = turns(
        5,
        recorded(0, "SUCCEEDED"),
        recorded(1, "RESCHEDULED", next_try_at=LATER, failures=2),
        recorded(2, "FAILED"),
        waves=(3, 2),
    )
    assert it.next(NOW).start == []  # the first wave is not over
    assert it.next(LATER).start == ["t1"]
    assert it.of("t1").failures == 2
    it.ended("t1", Lost("expired"), "failed")
    assert it.next(LATER).start == ["t3", "t4"]


def test_what_expired_before_its_next_try_has_failed_and_counts() -> None:
    it = turns(2, recorded(0, "RESCHEDULED", next_try_at=LATER, expires_at=LATER), max_failures=1)
    found = it.next(LATER)
    assert (found.start, found.late) == ([], ["t0"])
    assert it.stop is not None
    assert it.stop.reason == "max-failures"
    assert it.nothing_left


def test_what_could_not_be_started_is_where_it_was() -> None:
    it = turns(3, parallel=1)
    it.next(NOW)
    it.put_back("t0", "SCHEDULED", NOW)
    assert it.next(NOW).start == ["t0"]
    it.ended("t0", Again(NOW, "interrupted"), "stopped")
    assert it.next(NOW).start == ["t0"]
    it.put_back("t0", "RESCHEDULED", NOW)
    assert it.next(NOW).start == ["t0"]


def test_a_try_that_is_brought_forward_is_due_now() -> None:
    it = turns(
        2, recorded(0, "RESCHEDULED", next_try_at=LATER), recorded(1, "RESCHEDULED", next_try_at=LATER)
    )
    assert (it.next(NOW).start, it.waits_for_time(NOW)) == ([], True)
    it.bring_forward({"t1"}, NOW)
    assert it.next(NOW).start == ["t1"]
    assert it.waits_for_time(NOW)
    it.bring_forward({"t0"}, NOW)
    assert (it.next(NOW).start, it.waits_for_time(NOW)) == (["t0"], False)


def test_a_target_that_another_run_works_on_is_passed_over_until_it_is_free() -> None:
    it = turns(4, parallel=2)
    taken = {"t0", "t1", "t2"}
    assert it.next(NOW, lambda target: target not in taken).start == ["t3"]
    assert not it.nothing_left
    taken = {"t1"}
    assert it.next(NOW, lambda target: target not in taken).start == ["t0"]
    it.ended("t0", Succeeded(), "succeeded")
    it.ended("t3", Succeeded(), "succeeded")
    assert it.next(NOW).start == ["t1", "t2"]


def test_a_try_whose_time_is_over_does_not_wait_for_another_run() -> None:
    it = turns(1)
    it.next(NOW)
    it.ended("t0", Again(NOW + timedelta(minutes=5), "retry"), "failed")
    later = NOW + timedelta(minutes=40)
    assert it.next(later, lambda _: False) == ([], ["t0"])


def test_a_target_that_is_dropped_never_starts_and_its_wave_does_not_wait_for_it() -> None:
    it = turns(4, parallel=4, waves=(2, 2))
    it.drop("t0")
    it.drop("t3")
    assert it.next(NOW).start == ["t1"]
    it.ended("t1", Succeeded(), "succeeded")
    assert it.next(NOW).start == ["t2"]
    it.ended("t2", Succeeded(), "succeeded")
    assert it.next(NOW).start == []
    assert (it.nothing_left, it.stop) == (True, None)


def test_a_target_that_is_dropped_while_it_waits_for_its_next_try_is_not_tried_again() -> None:
    it = turns(2, parallel=1)
    it.next(NOW)
    it.ended("t0", Again(NOW + timedelta(minutes=5), "retry"), "failed")
    it.drop("t0")
    it.drop("t0")
    assert it.next(NOW + timedelta(minutes=5)).start == ["t1"]


def test_no_time_at_all_is_one_try_and_no_limit_is_many() -> None:
    for expires_in, expected in ((timedelta(0), NOW), (None, NOW + timedelta(days=3650))):
        it = turns(1, expires_in=expires_in)
        assert it.next(NOW).start == ["t0"]
        assert it.of("t0").expires_at == expected
