"""The next starts over several schedules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner.operations.next_slots import next_slots, schedule_of_expression
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule
from runner.vocabulary.errors import RunnerError

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def a_job(**schedules: dict[str, str]) -> list[Schedule]:
    return [schedule_from(settings) for _, settings in sorted(schedules.items())]


def test_schedules_are_merged_in_order_of_their_instants() -> None:
    job = a_job(often={"every": "40m"}, hourly={"cron": "0 * * * *"})
    slots = next_slots(job, after=START, count=4)
    assert [f"{slot.at:%H:%M}" for slot in slots] == ["12:40", "13:00", "13:20", "14:00"]


def test_a_slot_that_two_schedules_name_comes_once() -> None:
    job = a_job(a={"cron": "0 13 * * *"}, b={"cron": "0 13,14 * * *"})
    slots = next_slots(job, after=START, count=2)
    assert [f"{slot.at:%H:%M}" for slot in slots] == ["13:00", "14:00"]


def test_what_lands_after_a_gap_is_one_start_as_it_is_for_the_daemon() -> None:
    berlin = {"timezone": "Europe/Berlin"}
    job = a_job(
        a={"cron": "0 2,3 * * *", **berlin}, b={"cron": "30 2 * * *", **berlin}, often={"every": "1h"}
    )
    slots = next_slots(job, after=datetime(2026, 3, 29, 0, 30, tzinfo=UTC), count=2)
    assert [(slot.at.hour, [key[11:] for key in slot.keys], slot.marks) for slot in slots] == [
        (1, ["02:00[Europe/Berlin]", "03:00[Europe/Berlin]", "02:30[Europe/Berlin]"], ("gap", "merged")),
        (1, ["01:00:00Z"], ()),
    ]


def test_an_ended_schedule_has_no_slots() -> None:
    assert next_slots(a_job(once={"at": "2026-11-01T00:00Z"}), after=START, count=3) == ()
    assert next_slots((), after=START, count=3) == ()


def test_a_wrong_expression_says_which_fields_are_wrong() -> None:
    with pytest.raises(RunnerError) as caught:
        schedule_of_expression("61 2 * *", "UTC")
    assert str(caught.value) == (
        "'61 2 * *' is not a cron expression\n"
        "  expression: the expression has 4 fields; it needs five: minute hour day month wday"
    )
