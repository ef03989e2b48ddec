"""The claim: the one moment at which overlap, holds and deadlines are decided (R11)."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import a_slot_run, at, claim, decide, end, events, set_watermark, start, steps, task

from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed, Waits, claim_instance
from runner.operations.outcome import NotStarted
from runner.operations.trigger import trigger_job
from runner.vocabulary.errors import ChangedMeanwhile

HOURLY: dict[str, Any] = {"every": "1h"}


def trigger(here: Installation, name: str, key: str = "1", **more: Any) -> int:
    return trigger_job(here.store, name, actor=ANA, key=key, now=more.pop("now", NOW), **more).id


def test_a_claim_raises_the_epoch_and_starts_the_task_with_its_steps(sound: Installation) -> None:
    sound.install(a_job("tick"))
    id = trigger(sound, "tick")
    claimed = claim(sound, id)
    assert isinstance(claimed, Claimed)
    run = claimed.instance
    assert (run.state, run.epoch, run.attempt, run.started_at) == ("RUNNING", 1, 1, NOW)
    assert steps(sound, id) == [("run", "PENDING")]
    assert task(sound, id) == "RUNNING"
    assert [event.row for event in events(sound, id)] == ["I2", "I4"]


def test_a_second_claim_of_the_same_moment_is_refused(sound: Installation) -> None:
    sound.install(a_job("tick"))
    id = trigger(sound, "tick")
    found = sound.instance(id)
    claim(sound, id)
    with pytest.raises(ChangedMeanwhile):
        sound.store.transact(lambda tx: claim_instance(tx, found, None, (), 1, NOW))
    assert sound.instance(id).epoch == 1


def test_one_that_was_cancelled_meanwhile_is_not_claimed(sound: Installation) -> None:
    sound.install(a_job("tick"))
    id = trigger(sound, "tick")
    found = sound.instance(id)
    sound.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    with pytest.raises(ChangedMeanwhile):
        sound.store.transact(lambda tx: claim_instance(tx, found, None, (), 1, NOW))
    assert sound.instance(id).state == "CANCELLED"


@pytest.mark.parametrize("known", [True, False], ids=["known", "installed a moment ago"])
def test_overlap_skip_names_the_run_that_is_in_the_way(sound: Installation, known: bool) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    first = a_slot_run(sound, "tick", at(1))
    start(sound, first, at(1))
    second = a_slot_run(sound, "tick", at(2))
    assert claim(sound, second, at(2), known=known) == NotStarted(
        second, "tick", "SKIPPED", f"overlap: {first}"
    )
    assert (sound.instance(second).state, task(sound, second)) == ("SKIPPED", "CANCELLED")


def test_overlap_allow_lets_both_run(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, concurrency={"policy": "allow"}))
    start(sound, a_slot_run(sound, "tick", at(1)), at(1))
    assert isinstance(claim(sound, a_slot_run(sound, "tick", at(2)), at(2)), Claimed)


def test_a_limit_above_one_counts_the_open_set(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, concurrency={"policy": "skip", "limit": 2}))
    for hour in (1, 2):
        start(sound, a_slot_run(sound, "tick", at(hour)), at(hour))
    third = claim(sound, a_slot_run(sound, "tick", at(3)), at(3))
    assert isinstance(third, NotStarted)


def test_a_run_in_back_off_counts_for_overlap(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, retry="backoff"))
    first = a_slot_run(sound, "tick", at(1))
    start(sound, first, at(1))
    end(sound, first, now=at(1))
    assert sound.instance(first).state == "SCHEDULED"
    second = claim(sound, a_slot_run(sound, "tick", at(2)), at(2))
    assert isinstance(second, NotStarted)
    assert isinstance(claim(sound, first, at(2)), Claimed), "itself it is not in its own way"


def test_manual_starts_obey_overlap_and_force_is_told(sound: Installation) -> None:
    sound.install(a_job("tick"))
    first = trigger(sound, "tick")
    start(sound, first)
    assert isinstance(claim(sound, trigger(sound, "tick", "2")), NotStarted)
    forced = trigger(sound, "tick", "3", force=True)
    assert isinstance(claim(sound, forced), Claimed)
    assert events(sound, forced)[-1].why == f"forced past overlap with instance {first}"


def test_missed_runs_are_caught_up_one_at_a_time_and_oldest_first(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, missed={"policy": "all"}))
    set_watermark(sound, "tick", at(0.5))
    first, second, third = decide(sound, "tick", at(3.5)).instances
    now = at(3.5)
    with sound.store.read() as reader:
        assert [run.id for run in reader.instances.waiting(now)] == [first, second, third]
    start(sound, first, now)
    assert claim(sound, second, now) == Waits("overlap", str(first))
    end(sound, first, "succeeded", now)
    assert isinstance(claim(sound, second, now), Claimed)
    assert claim(sound, third, now) == Waits("overlap", str(second))


def test_a_slot_on_time_comes_after_those_that_are_caught_up_and_is_not_dropped(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, missed={"policy": "all"}))
    set_watermark(sound, "tick", at(1.5))
    now = at(3, seconds=30)
    missed, on_time = decide(sound, "tick", now).instances
    assert (sound.instance(missed).slot_at, sound.instance(on_time).slot_at) == (at(2), at(3))
    with sound.store.read() as reader:
        assert [run.id for run in reader.instances.waiting(now)] == [missed, on_time]
    start(sound, missed, now)
    assert claim(sound, on_time, now) == Waits("overlap", str(missed))
    end(sound, missed, "succeeded", now)
    assert isinstance(claim(sound, on_time, now), Claimed)
    assert "missed" not in sound.instance(on_time).trigger


@pytest.mark.parametrize("kind", ["operator", "failure", "group:nightly", "removed", "git"])
def test_a_hold_that_came_after_the_slot_drops_the_start(sound: Installation, kind: str) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    id = a_slot_run(sound, "tick", at(1))
    sound.hold("tick", kind)
    assert claim(sound, id, at(1)) == NotStarted(id, "tick", "SKIPPED", f"hold {kind}")


def test_a_pause_lets_the_start_wait(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    id = a_slot_run(sound, "tick", at(1))
    sound.hold("tick", "paused", until=at(2))
    assert claim(sound, id, at(1)) == Waits("paused")
    assert isinstance(claim(sound, id, at(2)), Claimed)


def test_what_has_begun_may_finish_under_a_hold(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY))
    id = a_slot_run(sound, "tick", at(1))
    start(sound, id, at(1))
    end(sound, id, now=at(1))
    sound.hold("tick", "operator")
    assert isinstance(claim(sound, id, at(1)), Claimed)


def test_a_start_deadline_that_has_passed_skips(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={**HOURLY, "startDeadline": "5m"}))
    id = a_slot_run(sound, "tick", at(1))
    assert claim(sound, id, at(1, minutes=5)) == NotStarted(id, "tick", "SKIPPED", "late")


def test_a_deadline_that_has_passed_skips_what_never_began_and_fails_what_did(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=HOURLY, deadline="30m", retry={"initial": "10m", "maxAttempts": 9}))
    never = a_slot_run(sound, "tick", at(1))
    assert claim(sound, never, at(1.5)) == NotStarted(never, "tick", "SKIPPED", "expired")
    begun = a_slot_run(sound, "tick", at(2))
    start(sound, begun, at(2))
    end(sound, begun, now=at(2, minutes=15))
    assert sound.instance(begun).state == "SCHEDULED"
    assert claim(sound, begun, at(2.5)) == NotStarted(begun, "tick", "FAILED", "expired")
    assert task(sound, begun) == "FAILED"
    assert dict(sound.instance(begun).error or {})["exit_code"] == 3, "its last error is kept"
