"""Calendars leave out whole days, spans and the same days of every year, on the clocks of the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runner.schedules.calendar import check_span
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Schedule, ScheduleProblem
from runner.schedules.window import Window


def a_schedule(declared: dict[str, Any], *spans: tuple[str, str], zone: str = "Europe/Berlin") -> Schedule:
    dates = {f"d{n}": {"from": first, "to": last} for n, (first, last) in enumerate(spans)}
    return schedule_from({**declared, "timezone": zone, "calendars": {"holidays": dates}})


def days(schedule: Schedule, after: str, until: str) -> list[str]:
    found = schedule.between(_utc(after), _utc(until))
    return [slot.local[5:10] for slot in found]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_slots_on_its_dates_are_left_out() -> None:
    nightly = a_schedule({"cron": "30 0 * * *"}, ("2026-12-25", "2026-12-26"))
    assert days(nightly, "2026-12-23T12:00", "2026-12-28T12:00") == ["12-24", "12-27", "12-28"]


def test_a_date_without_a_year_comes_every_year_also_over_its_end() -> None:
    nightly = a_schedule({"cron": "0 2 * * *"}, ("12-30", "01-02"))
    for year in (2026, 2027):
        found = days(nightly, f"{year}-12-28T12:00", f"{year + 1}-01-05T00:00")
        assert found == ["12-29", "01-03", "01-04"]


def test_the_29th_of_february_is_no_other_day_in_other_years() -> None:
    nightly = a_schedule({"cron": "0 2 * * *"}, ("02-29", "02-29"))
    assert days(nightly, "2027-02-27T12:00", "2027-03-02T00:00") == ["02-28", "03-01"]
    assert days(nightly, "2028-02-27T12:00", "2028-03-02T00:00") == ["02-28", "03-01"]
    until = a_schedule({"cron": "0 2 * * *"}, ("02-20", "02-29"))
    assert days(until, "2027-02-18T12:00", "2027-03-02T00:00") == ["02-19", "03-01"]


def test_a_span_of_times_is_half_open() -> None:
    hourly = a_schedule({"every": "1h"}, ("2026-12-18T18:00", "2026-12-18T20:00"))
    found = [slot.local[11:16] for slot in hourly.between(_utc("2026-12-18T16:00"), _utc("2026-12-18T20:00"))]
    assert found == ["20:00", "21:00"]


def test_a_night_loses_the_part_that_lies_on_the_date() -> None:
    night = {"window": [{"from": "2026-12-01", "to": "2026-12-31", "start": "22:00", "end": "04:00"}]}
    window = a_schedule(night, ("2026-12-25", "2026-12-25"))
    assert isinstance(window, Window)
    eve = window.opening_at(_utc("2026-12-24T22:00"))
    assert eve is not None and eve.closes_at == _utc("2026-12-24T23:00")
    after = window.next_opening(_utc("2026-12-24T23:00"))
    assert after is not None and after.opens_at == _utc("2026-12-25T23:00")  # midnight, and on to 04:00
    assert after.closes_at == _utc("2026-12-26T03:00")


def test_a_window_of_which_nothing_is_left_never_opens_and_is_over() -> None:
    night = {"window": [{"from": "2026-12-01", "to": "2026-12-31", "start": "22:00", "end": "04:00"}]}
    window = a_schedule(night, ("2026-11-30", "2027-01-01"))
    assert isinstance(window, Window)
    assert window.next_after(_utc("2026-11-01T00:00")) is None
    assert window.last_close is None
    assert window.is_over(_utc("2026-11-01T00:00"))


def test_a_schedule_of_which_nothing_is_left_has_no_next_slot_and_says_so_soon() -> None:
    nightly = a_schedule({"cron": "0 2 * * *"}, ("01-01", "12-31"))
    assert nightly.next_after(_utc("2026-11-01T00:00")) is None


def test_a_span_over_many_years_is_left_out_whole() -> None:
    nightly = a_schedule({"cron": "0 2 1 * *"}, ("2026-02-02", "2036-01-15"))
    slot = nightly.next_after(_utc("2026-02-01T12:00"))
    assert slot is not None and slot.local.startswith("2036-02-01")


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-12-01", "9999-12-31"),
        ("2026-12-01T00:00", "9999-12-31T23:59"),
        ("0001-01-01", "9999-12-31"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_a_span_may_reach_to_the_ends_of_the_calendar(first: str, last: str, zone: str) -> None:
    nightly = a_schedule({"cron": "0 2 1 * *", "timezone": zone}, (first, last))
    assert (nightly.next_after(_utc("2026-12-02T12:00")) is None) == (first[:4] != "9999")


def test_the_interval_of_an_every_is_still_known() -> None:
    hourly = a_schedule({"every": "1h"}, ("2026-12-24", "2026-12-24"))
    assert getattr(hourly, "interval", None) == timedelta(hours=1)
    assert hourly.kind == "every"


NO_DATE = "is no date; write it like 2026-12-24, 12-24 (every year) or 2026-12-24T18:00"
TWO_WAYS = (
    "are written in two ways; write both like 2026-12-24, both like 12-24 (every year) or both like "
    "2026-12-24T18:00"
)
OFFSET = "has an offset; a calendar follows the clocks of its schedule"


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("2026-02-30", "2026-03-01", f"'2026-02-30' {NO_DATE}"),
        ("13-01", "13-02", f"'13-01' {NO_DATE}"),
        ("2026-12-26", "2026-12-24", "'2026-12-24' is before '2026-12-26'"),
        ("2026-12-24T18:00", "2026-12-24T18:00", "'2026-12-24T18:00' is not after '2026-12-24T18:00'"),
        ("2026-12-24T18:00Z", "2026-12-25T18:00Z", f"'2026-12-24T18:00Z' {OFFSET}"),
        ("12-24", "2026-12-26", f"'12-24' and '2026-12-26' {TWO_WAYS}"),
    ],
)
def test_dates_that_are_none_are_refused(first: str, last: str, message: str) -> None:
    with pytest.raises(ScheduleProblem) as caught:
        check_span(first, last)
    assert str(caught.value) == message
