"""R3 to R6 by name: what a zone's changes do to clock-like and to rate-like schedules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from runner.schedules.cron import Cron
from runner.schedules.explain import offset_notes
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Slot


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def slots(cron: str, zone: str, after: str, until: str) -> list[Slot]:
    return list(schedule_from({"cron": cron, "timezone": zone}).between(utc(after), utc(until)))


def local_and_marks(cron: str, zone: str, after: str, until: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(slot.local, slot.marks) for slot in slots(cron, zone, after, until)]


def test_a_slot_in_a_gap_starts_when_the_gap_ends() -> None:
    assert local_and_marks("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z") == [
        ("2026-03-29T03:00:00+02:00", ("gap",)),
        ("2026-03-30T02:30:00+02:00", ()),
    ]


def test_a_slot_in_a_gap_keeps_its_own_name() -> None:
    (slot,) = slots("30 2 * * *", "America/New_York", "2026-03-08T05:00Z", "2026-03-08T12:00Z")
    assert (slot.key, slot.at) == ("2026-03-08T02:30[America/New_York]", utc("2026-03-08T07:00Z"))


def test_several_slots_that_land_after_a_gap_are_one_start_that_lists_them() -> None:
    (slot,) = slots("*/30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T01:20Z")
    assert slot.local == "2026-03-29T03:00:00+02:00"
    assert slot.marks == ("gap", "merged")
    assert slot.keys == (
        "2026-03-29T02:00[Europe/Berlin]",
        "2026-03-29T02:30[Europe/Berlin]",
        "2026-03-29T03:00[Europe/Berlin]",
    )


def test_a_repeated_hour_starts_a_clock_like_job_once() -> None:
    assert local_and_marks("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-26T12:00Z") == [
        ("2026-10-25T02:30:00+02:00", ("fold",)),
        ("2026-10-26T02:30:00+01:00", ()),
    ]
    assert local_and_marks("30 1 * * *", "America/New_York", "2026-11-01T04:00Z", "2026-11-01T12:00Z") == [
        ("2026-11-01T01:30:00-04:00", ("fold",)),
    ]


def test_a_rate_like_job_starts_in_both_copies_of_a_repeated_hour() -> None:
    assert local_and_marks("30 * * * *", "Europe/Berlin", "2026-10-24T23:00Z", "2026-10-25T03:00Z") == [
        ("2026-10-25T01:30:00+02:00", ()),
        ("2026-10-25T02:30:00+02:00", ("fold",)),
        ("2026-10-25T02:30:00+01:00", ("fold",)),
        ("2026-10-25T03:30:00+01:00", ()),
    ]


def test_a_rate_like_job_goes_on_in_real_time_over_a_gap() -> None:
    found = slots("*/15 * * * *", "Europe/Berlin", "2026-03-29T00:30Z", "2026-03-29T01:30Z")
    assert [slot.key for slot in found] == [
        "2026-03-29T00:45:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:15:00Z",
        "2026-03-29T01:30:00Z",
    ]


def test_midnight_is_left_out_in_santiago_and_the_daily_job_still_runs() -> None:
    assert local_and_marks("0 0 * * *", "America/Santiago", "2026-09-05T12:00Z", "2026-09-07T12:00Z") == [
        ("2026-09-06T01:00:00-03:00", ("gap",)),
        ("2026-09-07T00:00:00-03:00", ()),
    ]


def test_midnight_is_left_out_in_gaza_and_the_daily_job_still_runs() -> None:
    assert local_and_marks("0 0 * * *", "Asia/Gaza", "2021-03-26T12:00Z", "2021-03-27T23:00Z") == [
        ("2021-03-27T01:00:00+03:00", ("gap",)),
        ("2021-03-28T00:00:00+03:00", ()),
    ]


def test_a_gap_in_gaza_began_a_minute_after_midnight() -> None:
    assert local_and_marks("0,30 0 * * *", "Asia/Gaza", "2011-03-31T12:00Z", "2011-04-01T12:00Z") == [
        ("2011-04-01T00:00:00+02:00", ()),
        ("2011-04-01T01:01:00+03:00", ("gap",)),
    ]


def test_a_gap_over_midnight_makes_one_start_of_two_days() -> None:
    (slot,) = slots("0,45 0,23 * * *", "America/Toronto", "1919-03-31T04:15Z", "1919-03-31T04:40Z")
    assert slot.local == "1919-03-31T00:30:00-04:00"
    assert slot.keys == ("1919-03-30T23:45[America/Toronto]", "1919-03-31T00:00[America/Toronto]")


def test_lord_howe_moves_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    assert local_and_marks("15 2 * * *", zone, "2026-10-03T12:00Z", "2026-10-04T00:00Z") == [
        ("2026-10-04T02:30:00+11:00", ("gap",)),
    ]
    assert local_and_marks("45 1 * * *", zone, "2026-04-04T12:00Z", "2026-04-04T18:00Z") == [
        ("2026-04-05T01:45:00+11:00", ("fold",)),
    ]
    assert local_and_marks("*/15 * * * *", zone, "2026-04-04T14:30Z", "2026-04-04T15:35Z") == [
        ("2026-04-05T01:45:00+11:00", ("fold",)),
        ("2026-04-05T01:30:00+10:30", ("fold",)),
        ("2026-04-05T01:45:00+10:30", ("fold",)),
        ("2026-04-05T02:00:00+10:30", ()),
    ]


def test_casablanca_puts_its_clocks_back_for_ramadan() -> None:
    zone = "Africa/Casablanca"
    assert local_and_marks("30 2 * * *", zone, "2026-02-14T12:00Z", "2026-02-16T12:00Z") == [
        ("2026-02-15T02:30:00+01:00", ("fold",)),
        ("2026-02-16T02:30:00+00:00", ()),
    ]
    assert local_and_marks("30 2 * * *", zone, "2026-03-21T12:00Z", "2026-03-22T12:00Z") == [
        ("2026-03-22T03:00:00+01:00", ("gap",)),
    ]


def test_apia_left_out_a_day_and_its_slots_are_one_start() -> None:
    found = slots("0 0,14 * * *", "Pacific/Apia", "2011-12-30T01:00Z", "2011-12-31T09:00Z")
    assert [(slot.local, slot.keys) for slot in found] == [
        (
            "2011-12-31T00:00:00+14:00",
            (
                "2011-12-30T00:00[Pacific/Apia]",
                "2011-12-30T14:00[Pacific/Apia]",
                "2011-12-31T00:00[Pacific/Apia]",
            ),
        ),
        ("2011-12-31T14:00:00+14:00", ("2011-12-31T14:00[Pacific/Apia]",)),
    ]


def test_troll_moves_by_two_hours() -> None:
    zone = "Antarctica/Troll"
    assert local_and_marks("30 1,2 * * *", zone, "2026-03-29T00:00Z", "2026-03-29T06:00Z") == [
        ("2026-03-29T03:00:00+02:00", ("gap", "merged")),
    ]
    hourly = slots("0 * * * *", zone, "2026-10-25T00:00Z", "2026-10-25T04:00Z")
    assert [slot.local for slot in hourly] == [
        "2026-10-25T01:00:00+00:00",
        "2026-10-25T02:00:00+00:00",
        "2026-10-25T03:00:00+00:00",
        "2026-10-25T04:00:00+00:00",
    ]


@pytest.mark.parametrize("moment", ["2027-03-28T00:59:59.999999Z", "2027-03-28T00:59:00.250Z"])
@pytest.mark.timeout(10)
def test_a_fraction_of_a_second_before_a_change_has_a_next_slot(moment: str) -> None:
    schedule = schedule_from({"cron": "* * * * *", "timezone": "Europe/Berlin"})
    slot = schedule.next_after(utc(moment))
    assert slot is not None and slot.local == "2027-03-28T03:00:00+02:00"


A_DAY = timedelta(days=1)


def test_validate_is_told_of_a_slot_in_a_gap() -> None:
    schedule = schedule_from({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    assert offset_notes(schedule, utc("2026-03-28T12:00Z"), A_DAY) == (
        "2026-03-29 02:30: the clocks of Europe/Berlin leave this time out; "
        "it starts at 2026-03-29T03:00:00+02:00",
    )
    assert offset_notes(schedule, utc("2026-03-29T12:00Z"), A_DAY) == ()


def test_validate_is_told_of_every_change_in_24_months() -> None:
    schedule = schedule_from({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    notes = offset_notes(schedule, utc("2026-03-30T12:00Z"))
    assert [note[:16] for note in notes] == [
        "2026-10-25 02:30",
        "2027-03-28 02:30",
        "2027-10-31 02:30",
        "2028-03-26 02:30",
    ]


def test_an_expression_for_every_minute_is_looked_at_around_the_changes_only() -> None:
    schedule = schedule_from({"cron": "* * * * *", "timezone": "Europe/Berlin"})
    assert isinstance(schedule, Cron)
    seen = Counted(schedule.reading, schedule.zone)
    notes = offset_notes(seen, utc("2026-03-30T12:00Z"))
    assert notes[0].startswith("120 starts from 2026-10-25T02:00:00+02:00 to 2026-10-25T02:59:00+01:00")
    assert seen.slots < 500


class Counted(Cron):
    """A schedule that counts the slots it was asked for."""

    slots = 0

    def between(self, after: datetime, until: datetime) -> Iterator[Slot]:
        for slot in super().between(after, until):
            self.slots += 1
            yield slot


def test_validate_is_told_of_a_repeated_hour() -> None:
    clock_like = schedule_from({"cron": "30 2 * * *", "timezone": "Europe/Berlin"})
    assert offset_notes(clock_like, utc("2026-10-24T12:00Z"), A_DAY) == (
        "2026-10-25 02:30: this time comes twice in Europe/Berlin; it starts at the first, "
        "2026-10-25T02:30:00+02:00",
    )
    rate_like = schedule_from({"cron": "30 * * * *", "timezone": "Europe/Berlin"})
    assert offset_notes(rate_like, utc("2026-10-24T12:00Z"), A_DAY) == (
        "2 starts from 2026-10-25T02:30:00+02:00 to 2026-10-25T02:30:00+01:00, at times that come twice in "
        "Europe/Berlin: a schedule for every hour starts both times",
    )


def test_many_slots_in_a_repeated_hour_are_one_note() -> None:
    schedule = schedule_from({"cron": "*/10 2 * * *", "timezone": "Europe/Berlin"})
    assert offset_notes(schedule, utc("2026-10-24T12:00Z"), A_DAY) == (
        "6 starts from 2026-10-25 02:00 to 02:50: these times come twice in Europe/Berlin; "
        "each starts at the first",
    )


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_a_zone_without_changes_has_nothing_to_tell(zone: str) -> None:
    schedule = schedule_from({"cron": "30 2 * * *", "timezone": zone})
    assert offset_notes(schedule, utc("2026-03-28T12:00Z")) == ()
