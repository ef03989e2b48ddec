"""Overlap: what a start does while earlier instances of its job are open, decided in one transaction."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, contradictions, end, events, start, steps

from runner.operations.claim_instance import Claimed, Waits
from runner.operations.outcome import NotStarted
from runner.operations.trigger import trigger_job

HOURLY: dict[str, Any] = {"every": "1h"}


def a_job_that(here: Installation, policy: str, **concurrency: Any) -> None:
    here.install(a_job("tick", schedule=None, concurrency={"policy": policy, **concurrency}))


def trigger(here: Installation, key: str, **more: Any) -> int:
    return trigger_job(here.store, "tick", actor=ANA, key=key, now=NOW, **more).id


def test_a_queue_lets_starts_wait_one_behind_the_other(sound: Installation) -> None:
    a_job_that(sound, "queue")
    first, second, third = (trigger(sound, key) for key in "abc")
    start(sound, first)
    assert claim(sound, second) == Waits("overlap", str(first))
    assert claim(sound, third) == Waits("overlap", str(first))
    end(sound, first, "succeeded")
    start(sound, second)
    assert claim(sound, third) == Waits("overlap", str(second))
    end(sound, second, "succeeded")
    assert isinstance(claim(sound, third), Claimed)
    assert contradictions(sound) == []


def test_a_queue_with_a_limit_lets_so_many_run(sound: Installation) -> None:
    a_job_that(sound, "queue", limit=2)
    first, second, third = (trigger(sound, key) for key in "abc")
    start(sound, first)
    start(sound, second)
    assert claim(sound, third) == Waits("overlap", str(first))
    end(sound, second, "succeeded")
    assert isinstance(claim(sound, third), Claimed)


def test_what_waits_for_a_retry_still_stands_in_the_way(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=None, concurrency={"policy": "queue"}, retry="backoff"))
    first, second = trigger(sound, "a"), trigger(sound, "b")
    start(sound, first)
    end(sound, first)
    assert sound.instance(first).state == "SCHEDULED"
    assert claim(sound, second, at(1)) == Waits("overlap", str(first))
    assert isinstance(claim(sound, first, at(1)), Claimed)


def test_a_queue_of_one_keeps_only_the_newest_that_waits(sound: Installation) -> None:
    a_job_that(sound, "queue-one")
    first, second, third = (trigger(sound, key) for key in "abc")
    start(sound, first)
    assert claim(sound, second) == Waits("overlap", str(first))
    gone = NotStarted(second, "tick", "REPLACED", f"replaced by instance {third}")
    assert claim(sound, third) == Waits("overlap", str(first), replaced=(gone,))
    replaced = sound.instance(second)
    assert (replaced.state, replaced.reason, replaced.replaced_by) == ("REPLACED", "replace", third)
    assert events(sound, second)[-1].row == "I10"
    end(sound, first, "succeeded")
    assert isinstance(claim(sound, third), Claimed)
    assert contradictions(sound) == []


def test_two_starts_into_a_free_queue_of_one_both_run(sound: Installation) -> None:
    a_job_that(sound, "queue-one")
    first, second = trigger(sound, "a"), trigger(sound, "b")
    start(sound, first)
    assert claim(sound, second) == Waits("overlap", str(first))
    end(sound, first, "succeeded")
    assert isinstance(claim(sound, second), Claimed)


def test_a_newer_start_stops_what_runs_and_starts_when_it_is_gone(sound: Installation) -> None:
    a_job_that(sound, "replace")
    first, second = trigger(sound, "a"), trigger(sound, "b")
    start(sound, first)
    assert claim(sound, second) == Waits("overlap", str(first), stopping=(first,))
    stopping = sound.instance(first)
    assert (stopping.state, stopping.reason, stopping.replaced_by) == ("STOPPING", "replace", second)
    assert events(sound, first)[-1].row == "I19"
    assert claim(sound, second) == Waits("overlap", str(first))
    end(sound, first, "stopped")
    assert (sound.instance(first).state, steps(sound, first)) == ("REPLACED", [("run", "PENDING")])
    assert isinstance(claim(sound, second), Claimed)
    assert contradictions(sound) == []


def test_work_that_is_done_before_it_is_stopped_is_not_replaced(sound: Installation) -> None:
    a_job_that(sound, "replace")
    first, second = trigger(sound, "a"), trigger(sound, "b")
    start(sound, first)
    claim(sound, second)
    end(sound, first, "succeeded")
    assert sound.instance(first).state == "SUCCEEDED"
    assert isinstance(claim(sound, second), Claimed)


def test_a_retry_that_waits_is_replaced_at_once(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=None, concurrency={"policy": "replace"}, retry="backoff"))
    first, second = trigger(sound, "a"), trigger(sound, "b")
    start(sound, first)
    end(sound, first)
    claimed = claim(sound, second)
    assert isinstance(claimed, Claimed)
    assert [gone.instance_id for gone in claimed.replaced] == [first]
    assert (sound.instance(first).state, events(sound, first)[-1].row) == ("REPLACED", "I10")
    assert contradictions(sound) == []


def test_a_paused_run_is_replaced_at_once(sound: Installation) -> None:
    a_job_that(sound, "replace")
    paused = sound.run("tick", "PAUSED")
    newer = trigger(sound, "b")
    assert isinstance(claim(sound, newer), Claimed)
    assert (sound.instance(paused).state, events(sound, paused)[-1].row) == ("REPLACED", "I32")


def test_nothing_starts_beside_a_run_that_may_still_be_alive(sound: Installation) -> None:
    a_job_that(sound, "replace")
    unknown = sound.run("tick", "UNKNOWN")
    assert claim(sound, trigger(sound, "b")) == Waits("overlap", str(unknown))
    assert sound.instance(unknown).state == "UNKNOWN"


@pytest.mark.parametrize("policy", ["queue", "queue-one", "replace"])
def test_force_starts_beside_what_is_open(sound: Installation, policy: str) -> None:
    a_job_that(sound, policy)
    first, second = trigger(sound, "a"), trigger(sound, "b", force=True)
    start(sound, first)
    assert isinstance(claim(sound, second), Claimed)
    assert events(sound, second)[-1].why == f"forced past overlap with instance {first}"
    assert sound.instance(first).state == "RUNNING"
