"""A start by hand: its inputs, its slot, and the holds that stand in the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job, an_object

from runner.operations.trigger import BadInputs, Triggered, trigger_job
from runner.vocabulary.errors import IllegalTransition, UnknownName

INPUTS = {
    "region": {"type": "string", "default": "north", "choices": ["north", "south"]},
    "days": {"type": "integer", "default": 7},
}


def trigger(here: Installation, name: str = "report", **more: Any) -> Triggered:
    arguments = {"actor": ANA, "key": "1", "now": NOW, **more}
    return trigger_job(here.store, name, **arguments)


def test_a_start_is_recorded_as_due_now_with_who_asked(here: Installation) -> None:
    here.install(a_job("report"))
    run = here.instance(trigger(here).id)
    assert (run.state, run.reason, run.origin, run.due_at) == ("SCHEDULED", "manual", "manual", NOW)
    assert (run.requested_by, run.slot_key, run.schedule) == ("ana", "manual:1", None)


def test_given_inputs_come_before_the_jobs_own_and_these_before_the_defaults(here: Installation) -> None:
    here.install(a_job("report", inputs=INPUTS, **{"with": {"region": "south"}}))
    assert trigger(here).inputs == {"region": "south", "days": 7}
    assert trigger(here, key="2", given={"days": "3"}).inputs == {"region": "south", "days": 3}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"regoin": "north"}, "Job/report: 'regoin' is not an input of this job"),
        ({"days": "many"}, "Job/report: 'days': 'many' is not of type integer"),
        ({"region": "east"}, "Job/report: 'region': 'east' is not one of"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_and_nothing_is_recorded(
    here: Installation, given: dict[str, str], sentence: str
) -> None:
    here.install(a_job("report", inputs=INPUTS))
    with pytest.raises(BadInputs) as refused:
        trigger(here, given=given)
    assert str(refused.value).startswith(sentence)
    with here.store.read() as reader:
        assert reader.instances.list() == []


def test_without_a_slot_the_latest_one_before_now_is_meant(here: Installation) -> None:
    here.install(a_job("report"))
    start = trigger(here)
    assert start.for_slot is None
    assert here.instance(start.id).slot_at == datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.mark.parametrize("said", ["2026-11-20T02:00", "2026-11-20T02:00:00Z", "2026-11-20"])
def test_a_named_slot_is_stood_for_and_not_used_up(here: Installation, said: str) -> None:
    here.install(a_job("report"))
    start = trigger(here, slot=said)
    run = here.instance(start.id)
    assert start.for_slot == "2026-11-20T02:00[UTC]"
    assert run.slot_at == datetime(2026, 11, 20, 2, tzinfo=UTC)
    with here.store.read() as reader:
        assert not reader.slots.is_decided(here.uid("report"), "2026-11-20T02:00[UTC]")
        assert reader.slots.list() == []


def test_a_local_time_is_meant_in_the_zone_of_the_schedule(here: Installation) -> None:
    here.install(a_job("report", schedule={"cron": "0 2 * * *", "timezone": "Europe/Zurich"}))
    run = here.instance(trigger(here, slot="2026-11-20T02:00").id)
    assert run.slot_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_a_slot_that_the_job_does_not_have_is_refused_with_the_next_one(here: Installation) -> None:
    here.install(a_job("report"))
    with pytest.raises(UnknownName) as refused:
        trigger(here, slot="2026-11-20T03:00")
    assert str(refused.value) == (
        "Job/report has no slot at 2026-11-20T03:00; the next one after it is 2026-11-21T02:00:00+00:00"
    )


@pytest.mark.parametrize("kind", ["operator", "git", "new", "group:nightly", "auth:warehouse"])
def test_a_hold_needs_force(here: Installation, kind: str) -> None:
    here.install(a_job("report"), holds=(kind,))
    with pytest.raises(IllegalTransition, match="trigger is accepted in ASLEEP, RUNNING and FAILED; --force"):
        trigger(here)
    assert here.instance(trigger(here, force=True).id).trigger["force"] is True


def test_a_failed_job_starts_by_hand_without_force(here: Installation) -> None:
    here.install(a_job("report"), holds=("failure",))
    assert trigger(here).id


def test_force_does_not_start_a_job_that_was_removed(here: Installation) -> None:
    here.install(a_job("report"), holds=("removed",))
    with pytest.raises(IllegalTransition) as refused:
        trigger(here, force=True)
    assert "--force" not in str(refused.value)


def test_a_start_that_may_be_skipped_for_overlap_says_so(here: Installation) -> None:
    here.install(a_job("report"))
    running = here.run("report", "RUNNING")
    assert trigger(here).notes == (
        f"instance {running} is RUNNING; if it still is when this start is claimed, "
        "this one is skipped (concurrency: skip)",
    )


def test_a_start_of_a_paused_job_waits(here: Installation) -> None:
    here.install(a_job("report"), holds=("paused",))
    assert trigger(here).notes == ("the job is paused, so the start waits until it is resumed",)


def test_a_local_slot_of_a_job_without_a_schedule_is_in_the_zone_of_the_runner(here: Installation) -> None:
    here.install(a_job("report", schedule=None), an_object("Runner", "runner", {"timezone": "Europe/Zurich"}))
    run = here.instance(trigger(here, slot="2026-11-20T02:00").id)
    assert run.slot_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_a_time_that_the_clocks_left_out_names_the_slot_of_that_name(here: Installation) -> None:
    here.install(a_job("report", schedule={"cron": "30 2 * * *", "timezone": "Europe/Berlin"}))
    start = trigger(here, slot="2026-03-29T02:30")
    assert start.for_slot == "2026-03-29T02:30[Europe/Berlin]"
    assert here.instance(start.id).slot_at == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_slot_may_be_named_as_people_speak(here: Installation) -> None:
    here.install(a_job("report"))
    assert trigger(here, slot="yesterday 02:00").for_slot == "2026-11-22T02:00[UTC]"
