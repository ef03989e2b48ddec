"""What a person means by a time, in the zone of a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from runner.schedules.asked_time import Asked, read_asked, slot_asked
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import ScheduleProblem

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)  # 09:00 in Berlin


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(text: str, now: datetime = NOW) -> list[datetime]:
    return [each.at for each in read_asked(text, BERLIN, now)]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("02:30", "2026-11-21T01:30"),
        ("2:30", "2026-11-21T01:30"),
        ("today 02:30", "2026-11-21T01:30"),
        ("yesterday 02:00", "2026-11-20T01:00"),
        ("Tomorrow  02:00:15", "2026-11-22T01:00:15"),
        ("2026-07-01T02:30", "2026-07-01T00:30"),
        ("2026-07-01 02:30:10", "2026-07-01T00:30:10"),
        ("2026-07-01T02:30Z", "2026-07-01T02:30"),
        ("2026-07-01T02:30:00+05:30", "2026-06-30T21:00"),
        ("2026-07-01", "2026-06-30T22:00"),
    ],
)
def test_a_time_is_read_in_the_zone_of_the_schedule(text: str, at: str) -> None:
    assert asked(text) == [utc(at)]


def test_today_is_today_in_the_zone_of_the_schedule() -> None:
    late = utc("2026-11-20T23:30")  # 00:30 on the 21st in Berlin
    assert asked("02:00", late) == [utc("2026-11-21T01:00")]


def test_a_time_that_comes_twice_means_both() -> None:
    assert asked("2026-10-25T02:30") == [utc("2026-10-25T00:30"), utc("2026-10-25T01:30")]
    assert [each.mark for each in read_asked("2026-10-25T02:30", BERLIN, NOW)] == ["first", "second"]


def test_a_time_that_was_left_out_means_the_slot_of_that_name() -> None:
    [at] = read_asked("2026-03-29T02:30", BERLIN, NOW)
    assert (at.at, at.mark) == (utc("2026-03-29T01:00"), "gap")
    zone = "Europe/Berlin"
    daily = schedule_from({"cron": "30 2 * * *", "timezone": zone})
    slot = slot_asked(daily, at)
    assert slot is not None
    assert slot.key == "2026-03-29T02:30[Europe/Berlin]"
    assert slot_asked(schedule_from({"cron": "30 * * * *", "timezone": zone}), at) is None
    assert slot_asked(schedule_from({"cron": "0 3 * * *", "timezone": zone}), at) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "25:00",
        "02:60",
        "2026-02-30T02:00",
        "2026-13-01",
        "02:30 02:30",
        "²²:00",
    ],
)
def test_what_is_no_time_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(
        ScheduleProblem, match="is no time; write it like 02:30, yesterday 02:00, 2026-10-25T02:30"
    ):
        read_asked(text, BERLIN, NOW)


@pytest.mark.parametrize("text", ["9999-12-31T23:59", "9000-01-02", "0900-01-01", "1969-12-31T23:00Z"])
def test_a_time_that_no_schedule_reaches_is_refused(text: str) -> None:
    with pytest.raises(ScheduleProblem, match=r"is further away than schedules reach \(1970 to 8999\)$"):
        read_asked(text, BERLIN, NOW)
    assert read_asked("8999-12-30", BERLIN, NOW) != ()


def test_a_minute_means_the_slot_in_that_minute() -> None:
    every = schedule_from({"every": "1m", "anchor": "2026-01-01T00:00:07Z"})
    [minute] = read_asked("2026-07-01T10:00Z", BERLIN, NOW)
    slot = slot_asked(every, minute)
    assert slot is not None
    assert slot.at == utc("2026-07-01T10:00:07")
    assert slot_asked(every, Asked(utc("2026-07-01T10:00"), minute.span / 60)) is None
