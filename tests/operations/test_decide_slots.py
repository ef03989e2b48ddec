"""Slots that have fallen due: decided once, by the missed policy after downtime, never under a hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, decide, scheduled, set_watermark, slots, start, watermark

from runner.operations.decide_slots import MOST_SLOTS_AT_ONCE, Decided, decide_slots
from runner.operations.disable import disable_jobs
from runner.operations.enable import enable_jobs

HOURLY: dict[str, Any] = {"every": "1h"}  # NOW is a full hour


def installed(here: Installation, **spec: Any) -> None:
    here.install(a_job("tick", **{"schedule": HOURLY, **spec}))


def decisions(here: Installation) -> list[tuple[str, str]]:
    return [(slot.decision, slot.reason) for slot in slots(here, "tick")]


def test_nothing_before_the_first_look_was_ever_promised(sound: Installation) -> None:
    installed(sound)
    assert decide(sound, "tick", at(0.5)) == Decided()
    assert watermark(sound, "tick") == at(0.5)


def test_a_slot_that_is_due_becomes_an_instance_and_the_watermark_moves_with_it(sound: Installation) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    [id] = decide(sound, "tick", at(1)).instances
    run = sound.instance(id)
    assert (run.state, run.origin, run.slot_at, run.due_at) == ("SCHEDULED", "slot", at(1), at(1))
    assert (run.slot_key, run.reason, run.trigger) == ("2026-11-23T13:00:00Z", "slot", {})
    assert watermark(sound, "tick") == at(1)
    assert decisions(sound) == [("instance", "slot")]


def test_a_slot_fires_once_whatever_is_repeated(sound: Installation) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    assert len(decide(sound, "tick", at(1)).instances) == 1
    assert decide(sound, "tick", at(1)) == Decided()
    set_watermark(sound, "tick", at(0.5))  # a database restored, or a clock that was set back
    assert decide(sound, "tick", at(1)) == Decided(skipped=1)
    assert watermark(sound, "tick") == at(1), "what was decided before is left behind for good"
    assert decisions(sound) == [("instance", "slot")]


def test_a_clock_that_goes_back_repeats_nothing(sound: Installation) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    decide(sound, "tick", at(2))
    assert decide(sound, "tick", at(1.5)) == Decided()
    assert watermark(sound, "tick") == at(2)
    assert len(decide(sound, "tick", at(3)).instances) == 1


def test_the_watermark_stays_when_the_decision_is_not_kept(sound: Installation) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    job = scheduled(sound, "tick")

    def work(tx: Any) -> None:
        decide_slots(tx, job, job.schedules[0], at(1))
        raise RuntimeError("the power fails")

    with pytest.raises(RuntimeError):
        sound.store.transact(work)
    assert watermark(sound, "tick") == at(0.5)
    assert slots(sound, "tick") == []


@pytest.mark.parametrize(
    ("missed", "created", "dropped"),
    [
        ({"policy": "none"}, [], [1, 2, 3, 4]),
        ({"policy": "last"}, [4], [1, 2, 3]),
        ({"policy": "all"}, [1, 2, 3, 4], []),
        ({"policy": "all", "maxRuns": 2}, [3, 4], [1, 2]),
        ({"policy": "all", "maxAge": "90m"}, [4], [1, 2, 3]),
    ],
)
def test_after_downtime_the_missed_policy_decides(
    sound: Installation, missed: dict[str, Any], created: list[int], dropped: list[int]
) -> None:
    installed(sound, missed=missed)
    set_watermark(sound, "tick", at(0.5))
    decided = decide(sound, "tick", at(4.75))
    runs = [sound.instance(id) for id in decided.instances]
    assert [run.slot_at for run in runs] == [at(hours) for hours in created]
    assert [slot.slot_at for slot in slots(sound, "tick") if slot.decision == "skipped"] == [
        at(hours) for hours in dropped
    ]
    assert decided.skipped == len(dropped)
    assert watermark(sound, "tick") == at(4)
    assert all(run.trigger == {"missed": True} and run.due_at == at(4.75) for run in runs)


def test_a_slot_on_time_makes_up_for_those_that_were_missed(sound: Installation) -> None:
    installed(sound, missed={"policy": "last"})
    set_watermark(sound, "tick", at(0.5))
    [id] = decide(sound, "tick", at(3)).instances
    assert (sound.instance(id).slot_at, sound.instance(id).trigger) == (at(3), {})
    assert [decision for decision, _ in decisions(sound)] == ["skipped", "skipped", "instance"]


def test_a_dropped_range_is_one_row_with_its_count(sound: Installation) -> None:
    installed(sound, schedule={"every": "1m"}, missed={"policy": "none"})
    set_watermark(sound, "tick", NOW)
    assert decide(sound, "tick", at(minutes=601, seconds=10)).skipped == 600
    [row, on_time] = slots(sound, "tick")
    assert (row.count, row.slot_at) == (600, at(minutes=600))
    assert (on_time.decision, on_time.slot_at) == ("instance", at(minutes=601))


def test_a_very_long_downtime_is_decided_in_rounds_and_still_catches_up_once(sound: Installation) -> None:
    installed(sound, schedule={"every": "1s"}, missed={"policy": "last"})
    set_watermark(sound, "tick", NOW)
    now = at(seconds=2 * MOST_SLOTS_AT_ONCE + 500)
    rounds = [decide(sound, "tick", now)]
    while rounds[-1].more:
        rounds.append(decide(sound, "tick", now))
    assert len(rounds) == 3
    created = [id for each in rounds for id in each.instances]
    assert [sound.instance(id).slot_at for id in created] == [at(seconds=20_499), now], "those on time"
    assert watermark(sound, "tick") == now
    assert sum(slot.count for slot in slots(sound, "tick")) == 2 * MOST_SLOTS_AT_ONCE + 500


def test_rounds_keep_the_newest_of_all_and_not_of_each_round(sound: Installation) -> None:
    installed(sound, schedule={"every": "1s"}, missed={"policy": "all", "maxRuns": 4})
    set_watermark(sound, "tick", NOW)
    now = at(seconds=MOST_SLOTS_AT_ONCE + 2.5)
    first = decide(sound, "tick", now)
    assert (first.instances, first.more) == ((), True)
    second = decide(sound, "tick", now)
    assert [sound.instance(id).slot_at for id in second.instances] == [
        at(seconds=MOST_SLOTS_AT_ONCE + n) for n in (-2, -1, 0, 1, 2)
    ], "the four newest that were missed, and the one that is on time"


@pytest.mark.parametrize("kind", ["new", "git", "operator", "failure", "group:nightly", "paused"])
def test_under_any_hold_nothing_is_decided(sound: Installation, kind: str) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    sound.hold("tick", kind)
    assert decide(sound, "tick", at(1)) == Decided(held=True)
    assert (slots(sound, "tick"), watermark(sound, "tick")) == ([], at(0.5))


def test_enabling_never_fires_a_past_slot(sound: Installation) -> None:
    installed(sound, missed={"policy": "all"})
    set_watermark(sound, "tick", at(0.5))
    sound.store.transact(lambda tx: disable_jobs(tx, ["tick"], actor=ANA, reason="", now=at(0.6)))
    decide(sound, "tick", at(4.2))
    sound.store.transact(lambda tx: enable_jobs(tx, ["tick"], actor=ANA, reason="", now=at(4.5)))
    assert decide(sound, "tick", at(4.5)) == Decided()
    [id] = decide(sound, "tick", at(5)).instances
    assert sound.instance(id).slot_at == at(5)


def test_a_hold_that_ended_by_itself_fires_no_slot_of_its_time(sound: Installation) -> None:
    installed(sound, missed={"policy": "all"})
    set_watermark(sound, "tick", at(0.5))
    sound.hold("tick", "operator", until=at(3.5))
    [id] = decide(sound, "tick", at(4)).instances
    assert sound.instance(id).slot_at == at(4)
    assert sound.holds("tick") == [], "it is ended in the transaction that decides"


def test_time_under_a_pause_is_left_to_the_missed_policy(sound: Installation) -> None:
    installed(sound, missed={"policy": "all"})
    set_watermark(sound, "tick", at(0.5))
    sound.hold("tick", "paused", until=at(3.5))
    assert decide(sound, "tick", at(2)).held
    created = decide(sound, "tick", at(4)).instances
    assert [sound.instance(id).slot_at for id in created] == [at(1), at(2), at(3), at(4)]


def test_jitter_delays_the_start_and_not_the_slot(sound: Installation) -> None:
    installed(sound, schedule={**HOURLY, "jitter": "10m"})
    set_watermark(sound, "tick", at(0.5))
    share = scheduled(sound, "tick").schedules[0].jitter
    run = sound.instance(decide(sound, "tick", at(1)).instances[0])
    assert (run.slot_at, run.due_at) == (at(1), at(1) + share)
    assert timedelta(0) < share < timedelta(minutes=10)
    caught_up = sound.instance(decide(sound, "tick", at(2.5)).instances[0])
    assert caught_up.due_at == at(2.5), "a catch-up start is not spread"


def test_deadlines_count_from_when_they_are_meant_to(sound: Installation) -> None:
    installed(sound, schedule={**HOURLY, "startDeadline": "5m"}, deadline="6h")
    set_watermark(sound, "tick", at(0.5))
    run = sound.instance(decide(sound, "tick", at(1)).instances[0])
    assert (run.start_deadline, run.expires_at) == (at(1, minutes=5), at(7))
    caught_up = sound.instance(decide(sound, "tick", at(2.5)).instances[0])
    assert (caught_up.start_deadline, caught_up.expires_at) == (at(2.5, minutes=5), at(8))


def test_an_instance_gets_the_inputs_that_its_job_has(sound: Installation) -> None:
    installed(
        sound,
        inputs={"region": {"type": "string", "default": "north"}, "days": {"type": "integer", "default": 7}},
        **{"with": {"region": "south"}},
    )
    set_watermark(sound, "tick", at(0.5))
    run = sound.instance(decide(sound, "tick", at(1)).instances[0])
    assert run.inputs == {"region": "south", "days": 7}


def test_slots_that_a_gap_merges_make_one_run_and_a_row_each(sound: Installation) -> None:
    installed(sound, schedule={"cron": "0,30 2 * * *", "timezone": "Europe/Zurich"})
    night = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # 02:00 to 03:00 does not exist
    set_watermark(sound, "tick", night - timedelta(hours=3))
    [id] = decide(sound, "tick", night).instances
    assert [(slot.slot_key, slot.decision, slot.instance_id) for slot in slots(sound, "tick")] == [
        ("2027-03-28T02:00[Europe/Zurich]", "instance", id),
        ("2027-03-28T02:30[Europe/Zurich]", "merged", id),
    ]


def test_a_run_under_way_does_not_keep_slots_from_being_decided(sound: Installation) -> None:
    installed(sound)
    set_watermark(sound, "tick", at(0.5))
    [first] = decide(sound, "tick", at(1)).instances
    start(sound, first, at(1))
    assert len(decide(sound, "tick", at(2)).instances) == 1, "overlap is decided when it is claimed (R11)"
