"""A backfill starts a job once for each slot that is over, and leaves the schedule alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, decide, end, set_watermark, slots, start, watermark

from runner.operations.backfill import Backfill, backfill_job
from runner.operations.claim_instance import Claimed, Waits
from runner.vocabulary.errors import IllegalTransition, RunnerError

DAILY = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}


def fill(here: Installation, first: str, last: str, key: str = "k", **more: Any) -> Backfill:
    return backfill_job(
        here.store, "tick", first=first, last=last, actor=ANA, key=key, now=more.pop("now", NOW), **more
    )


def told(done: Backfill) -> list[str]:
    return [each.slot.key.partition("[")[0] for each in done.starts]


def test_every_slot_of_the_days_is_started_once_in_order(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY))
    done = fill(sound, "2026-10-24", "2026-10-26")
    assert told(done) == ["2026-10-24T02:30", "2026-10-25T02:30", "2026-10-26T02:30"]
    runs = [sound.instance(each.instance_id) for each in done.starts if each.instance_id]
    assert [run.id for run in runs] == [1, 2, 3]
    assert [run.trigger["for_slot"] for run in runs] == [each.slot.key for each in done.slots]
    assert (runs[0].origin, runs[0].slot_local) == ("manual", "2026-10-24T02:30:00+02:00")


def test_the_slots_of_the_schedule_and_its_watermark_stay_as_they_are(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY))
    set_watermark(sound, "tick", at(0))
    fill(sound, "2026-10-24", "2026-10-26")
    assert slots(sound, "tick") == []
    assert watermark(sound, "tick") == at(0)


def test_they_run_one_at_a_time_whatever_the_overlap_policy(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY, concurrency={"policy": "skip"}))
    fill(sound, "2026-10-24", "2026-10-25")
    assert isinstance(claim(sound, 1), Claimed)
    assert isinstance(claim(sound, 2), Waits)


def test_what_succeeded_is_left_out_and_so_is_what_still_waits(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(sound, "tick", at(0))
    [own] = decide(sound, "tick", at(1)).instances
    start(sound, own, at(1))
    end(sound, own, "succeeded", at(1.1))
    first = fill(sound, "2026-11-23T12:30", "2026-11-23T15:00", now=at(9))
    assert [each.left_out for each in first.slots] == [f"it succeeded (instance {own})", "", ""]
    again = fill(sound, "2026-11-23T12:30", "2026-11-23T15:00", key="again", now=at(9))
    waiting = first.starts[0].instance_id
    assert again.slots[1].left_out == f"a backfill of it waits or runs (instance {waiting})"
    assert again.starts == ()


def test_a_trial_records_nothing(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY))
    assert told(fill(sound, "2026-10-24", "2026-10-24", dry_run=True)) == ["2026-10-24T02:30"]
    with sound.store.read() as reader:
        assert reader.instances.list() == []


def test_slots_to_come_are_left_to_the_schedule(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY))
    assert told(fill(sound, "2026-11-22", "2026-12-24")) == ["2026-11-22T02:30", "2026-11-23T02:30"]


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("soon", "2026-10-24", "'soon' is no time"),
        ("2026-10-24", "2026-10-23", "--to 2026-10-23 is before --from 2026-10-24"),
        ("2027-10-24", "2027-10-25", "that time has not come yet"),
        ("1990-01-01", "2026-10-25", "has more than 1000 slots from 1990-01-01 to 2026-10-25"),
    ],
)
def test_what_makes_no_sense_is_refused(sound: Installation, first: str, last: str, message: str) -> None:
    sound.install(a_job("tick", schedule=DAILY))
    with pytest.raises(RunnerError, match=message):
        fill(sound, first, last)


def test_a_job_without_a_schedule_has_nothing_to_fill(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=None))
    with pytest.raises(RunnerError, match="has no slots that are over"):
        fill(sound, "2026-10-24", "2026-10-25")


def test_a_held_job_needs_force(sound: Installation) -> None:
    sound.install(a_job("tick", schedule=DAILY), holds=("operator",))
    with pytest.raises(IllegalTransition, match="hold operator of bob"):
        fill(sound, "2026-10-24", "2026-10-24")
    assert told(fill(sound, "2026-10-24", "2026-10-24", force=True)) == ["2026-10-24T02:30"]


def test_a_day_of_25_hours_has_all_its_slots(sound: Installation) -> None:
    sound.install(a_job("tick", schedule={"cron": "30 * * * *", "timezone": "Europe/Berlin"}))
    assert len(fill(sound, "2026-10-25", "2026-10-25").starts) == 25
    assert (
        datetime.fromisoformat(
            fill(sound, "2026-10-25", "2026-10-25", dry_run=True).slots[-1].slot.local
        ).hour
        == 23
    )
