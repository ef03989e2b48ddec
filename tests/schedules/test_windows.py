"""A window: its openings on the wall clock of a zone, over midnight, over changes of the clocks (R13)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.schedules.kinds import schedule_from
from runner.schedules.slot import ScheduleProblem
from runner.schedules.window import Window

MINUTE = timedelta(minutes=1)


def a_window(*windows: Mapping[str, Any], zone: str = "Europe/Berlin", **settings: Any) -> Window:
    first = {"from": "2026-03-01", "to": "2026-12-31", "start": "22:00", "end": "04:00"}
    declared = [{**first, **each} for each in windows or ({},)]
    found = schedule_from({"window": declared, "timezone": zone, **settings})
    assert isinstance(found, Window)
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def openings(window: Window, after: str, until: str) -> list[str]:
    found = []
    for slot in window.between(utc(after), utc(until)):
        opening = window.opening_at(slot.at)
        assert opening is not None and opening.opens_at == slot.at
        found.append(f"{opening.opens_at:%d %H:%M}-{opening.closes_at:%d %H:%M}")
    return found


def test_a_night_is_open_from_its_evening_to_the_morning_and_half_open() -> None:
    window = a_window()
    assert openings(window, "2026-06-01T00:00", "2026-06-03T00:00") == [
        "01 20:00-02 02:00",
        "02 20:00-03 02:00",
    ]
    assert window.opening_at(utc("2026-06-01T19:59:59")) is None
    assert window.opening_at(utc("2026-06-01T20:00")) is not None
    assert window.opening_at(utc("2026-06-02T01:59:59")) is not None
    assert window.opening_at(utc("2026-06-02T02:00")) is None


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
@pytest.mark.parametrize(
    "ends",
    [
        {"from": "2026-06-01", "to": "9999-12-31"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "0001-01-01T00:00+12:00", "to": "9999-12-31T23:59:59-12:00"},
        {"from": "2026-06-01", "to": "9999-12-31T23:59"},
    ],
)
def test_a_range_may_reach_to_the_ends_of_the_calendar(ends: dict[str, str], zone: str) -> None:
    window = a_window(ends, zone=zone)
    opening = window.next_opening(utc("2026-06-01T12:00"))
    assert opening is not None and opening.opens_at - utc("2026-06-01T12:00") < timedelta(days=1)
    assert not window.is_over(utc("2026-06-01T12:00"))


def test_the_weekday_is_that_of_the_opening() -> None:
    window = a_window({"weekdays": ["fri"]})  # 5 June 2026 is a Friday
    assert openings(window, "2026-06-01T00:00", "2026-06-12T00:00") == ["05 20:00-06 02:00"]


def test_the_last_day_of_the_range_is_the_last_day_on_which_it_opens() -> None:
    window = a_window({"from": "2026-06-01", "to": "2026-06-02"})
    assert openings(window, "2026-01-01T00:00", "2027-01-01T00:00") == [
        "01 20:00-02 02:00",
        "02 20:00-03 02:00",
    ]
    assert window.last_close == utc("2026-06-03T02:00")
    assert not window.is_over(utc("2026-06-03T01:59"))
    assert window.is_over(utc("2026-06-03T02:00"))


def test_a_range_with_times_cuts_the_night_in_which_it_begins_and_ends() -> None:
    window = a_window({"from": "2026-06-01T23:30", "to": "2026-06-03T01:00"})
    assert openings(window, "2026-01-01T00:00", "2027-01-01T00:00") == [
        "01 21:30-02 02:00",
        "02 20:00-02 23:00",
    ]
    cut = a_window({"from": "2026-06-02T01:00", "to": "2026-06-02T23:00"})
    assert openings(cut, "2026-01-01T00:00", "2027-01-01T00:00") == ["01 23:00-02 02:00", "02 20:00-02 21:00"]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("01:00", "05:00", "29 00:00-29 03:00"),  # three hours instead of four
        ("02:30", "05:00", "29 01:00-29 03:00"),  # opens after the gap
        ("01:00", "02:30", "29 00:00-29 01:00"),  # closes after the gap
    ],
)
def test_an_edge_in_the_spring_gap_moves_to_its_end(start: str, end: str, expected: str) -> None:
    window = a_window({"start": start, "end": end})
    assert openings(window, "2026-03-28T12:00", "2026-03-29T12:00") == [expected]


def test_hours_that_the_clocks_leave_out_are_no_opening() -> None:
    window = a_window({"start": "02:10", "end": "02:50"})
    assert openings(window, "2026-03-28T00:00", "2026-03-30T12:00") == [
        "28 01:10-28 01:50",
        "30 00:10-30 00:50",
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("01:00", "05:00", "24 23:00-25 04:00"),  # five hours instead of four
        ("02:30", "05:00", "25 00:30-25 04:00"),  # opens at the first 02:30
        ("01:00", "02:30", "24 23:00-25 00:30"),  # closes at the first 02:30, and does not open again
        ("22:00", "04:00", "24 20:00-25 03:00"),
    ],
)
def test_an_edge_in_the_autumn_hour_is_the_first_of_the_two(start: str, end: str, expected: str) -> None:
    window = a_window({"start": start, "end": end})
    assert openings(window, "2026-10-24T12:00", "2026-10-25T12:00") == [expected]


def test_a_window_from_an_hour_to_the_same_hour_is_a_whole_day() -> None:
    window = a_window({"start": "06:00", "end": "06:00", "weekdays": ["mon"]})
    assert openings(window, "2026-06-01T00:00", "2026-06-02T00:00") == ["01 04:00-02 04:00"]


def test_the_end_of_a_day_may_be_written_as_24() -> None:
    window = a_window({"start": "20:00", "end": "24:00"})
    assert openings(window, "2026-06-01T00:00", "2026-06-02T00:00") == ["01 18:00-01 22:00"]
    with pytest.raises(ScheduleProblem, match='"24:00" is the end of a day; write "00:00"'):
        a_window({"start": "24:00"})


def test_windows_that_touch_or_overlap_are_one_opening_and_the_later_end_counts() -> None:
    window = a_window(
        {"start": "20:00", "end": "23:00", "onClose": "stop"},
        {"start": "22:00", "end": "24:00", "onClose": "finish", "lastStart": "10m"},
        {"start": "00:00", "end": "04:00", "onClose": "pause"},
    )
    # the range begins at midnight
    assert openings(window, "2026-06-01T00:00", "2026-06-02T12:00") == ["01 18:00-02 02:00"]
    opening = window.opening_at(utc("2026-06-01T19:00"))
    assert opening is not None and opening.on_close == "pause"


def test_a_window_that_never_closes_is_taken_to_be_open_for_a_long_time() -> None:
    window = a_window({"start": "00:00", "end": "24:00", "to": None})
    opening = window.opening_at(utc("2026-06-01T12:00"))
    assert opening is not None
    assert opening.opens_at == utc("2026-02-28T23:00")
    assert opening.closes_at > utc("2027-03-01T00:00")
    assert window.last_close is None


def test_the_run_of_a_range_has_one_key_and_one_of_each_opening_has_its_own() -> None:
    of_range = [slot.key for slot in a_window().between(utc("2026-06-01T00:00"), utc("2026-06-03T00:00"))]
    assert of_range == ["window:2026-02-28T23:00:00Z"] * 2
    each = a_window({"repeat": "each", "from": None, "to": None})
    assert [slot.key for slot in each.between(utc("2026-06-01T00:00"), utc("2026-06-03T00:00"))] == [
        "window:2026-06-01T20:00:00Z",
        "window:2026-06-02T20:00:00Z",
    ]


def test_nothing_starts_shortly_before_the_close() -> None:
    opening = a_window({"lastStart": "15m"}).opening_at(utc("2026-06-01T21:00"))
    assert opening is not None
    assert opening.may_start(utc("2026-06-02T01:44:59"))
    assert not opening.may_start(utc("2026-06-02T01:45"))


def test_a_range_that_begins_in_ten_years_is_found() -> None:
    window = a_window({"from": "2036-01-01", "to": "2036-01-02"})
    slot = window.next_after(utc("2026-01-01T00:00"))
    assert slot is not None and slot.local == "2036-01-01T22:00:00+01:00"


def test_the_end_of_time_is_no_opening_and_no_exception() -> None:
    window = a_window({"repeat": "each", "from": None, "to": None, "weekdays": ["tue"]})
    assert window.next_after(datetime.max.replace(tzinfo=UTC)) is None
    assert window.next_after(datetime(1, 1, 1, tzinfo=UTC)) is not None
    assert window.opening_at(datetime(1, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("declared", "field", "message"),
    [
        ({"from": "2026-06-02", "to": "2026-06-01"}, "window.to", "'2026-06-01' is not after '2026-06-02'"),
        ({"from": "2026-02-30"}, "window.from", "'2026-02-30': day is out of range for month"),
        (
            {"weekdays": ["mon-fry"]},
            "window.weekdays",
            "'mon-fry' is no weekday or span of weekdays; did you mean 'fri'?",
        ),
        (
            {"lastStart": "6h"},
            "window.lastStart",
            "'6h' is as long as the window or longer: nothing would ever start",
        ),
        ({"retryEvery": "0s"}, "window.retryEvery", "'0s' is shorter than 1s"),
        (
            {"from": None},
            "window.from",
            "one run for the whole range needs the first day of the range; write from, or repeat: each for a "
            "run of its own at each opening",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_nonsense_is_refused_with_its_field(declared: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ScheduleProblem) as caught:
        a_window(declared)
    assert (caught.value.field, str(caught.value)) == (field, message)


def test_the_windows_of_one_run_have_one_retry() -> None:
    with pytest.raises(ScheduleProblem, match=r"^the windows of one schedule have one retryEvery$"):
        a_window({"retryEvery": "5m"}, {"retryEvery": "6m"})


@pytest.mark.parametrize(
    ("text", "days"),
    [("mon-fri", {0, 1, 2, 3, 4}), ("sat-mon", {5, 6, 0}), ("sun", {6}), ("wed-wed", {2})],
)
def test_weekdays_may_be_spans_also_over_the_end_of_the_week(text: str, days: set[int]) -> None:
    assert a_window({"weekdays": [text]}).hours[0].weekdays == days


# -- against the definition, tried out minute by minute

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/Havana",
    "America/Asuncion",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Antarctica/Troll",
)
CHANGES = ("2026-03-08", "2026-03-29", "2026-04-05", "2026-09-06", "2026-10-25", "2026-11-01", "2026-10-04")
TIMES = st.sampled_from(
    ["00:00", "00:30", "01:30", "02:00", "02:15", "02:30", "03:00", "12:00", "22:00", "23:30"]
)
HOURS = st.fixed_dictionaries(
    {
        "start": TIMES,
        "end": TIMES | st.just("24:00"),
        "weekdays": st.sampled_from([[], ["mon-fri"], ["sat", "sun"], ["sat-mon"]]),
    }
)


class _ByTheMinute:
    """When a zone's clocks first show a local time or a later one: the definition of R3 and R4, slowly."""

    def __init__(self, zone: str, around: date) -> None:
        self.begin = datetime.combine(around, time(), UTC) - timedelta(days=4)
        self.walls: list[datetime] = []
        latest = datetime.min
        for minute in range(8 * 24 * 60):
            wall = (self.begin + minute * MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
            latest = max(latest, wall)
            self.walls.append(latest)

    def first(self, wall: datetime) -> datetime:
        from bisect import bisect_left

        return self.begin + bisect_left(self.walls, wall) * MINUTE


_CLOCKS: dict[tuple[str, date], _ByTheMinute] = {}


def _clock(zone: str, around: date) -> _ByTheMinute:
    if (zone, around) not in _CLOCKS:
        _CLOCKS[zone, around] = _ByTheMinute(zone, around)
    return _CLOCKS[zone, around]


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES).map(date.fromisoformat),
    declared=st.lists(HOURS, min_size=1, max_size=3),
    blackout=st.none() | st.integers(-1, 1),
    minutes=st.lists(st.integers(-30 * 60, 30 * 60), min_size=8, max_size=8),
)
def test_a_moment_is_open_when_some_window_has_it_and_no_calendar(
    zone: str, around: date, declared: list[dict[str, Any]], blackout: int | None, minutes: list[int]
) -> None:
    clock = _clock(zone, around)
    left_out = None if blackout is None else around + timedelta(days=blackout)
    calendars = {} if left_out is None else {"c": {"d": {"from": str(left_out), "to": str(left_out)}}}
    days = {"from": None, "to": None, "repeat": "each"}
    window = a_window(*({**each, **days} for each in declared), zone=zone, calendars=calendars)
    spans = [span for each in declared for span in _spans(each, clock, around)]
    if left_out is not None:
        midnight = datetime.combine(left_out, time())
        hole = clock.first(midnight), clock.first(midnight + timedelta(days=1))
    noon = datetime.combine(around, time(), UTC)
    for minute in minutes:
        moment = noon + minute * MINUTE
        expected = any(begin <= moment < end for begin, end in spans)
        if left_out is not None and hole[0] <= moment < hole[1]:
            expected = False
        opening = window.opening_at(moment)
        assert (opening is not None) == expected, (moment, opening)
        following = window.next_opening(moment)
        if following is not None:
            assert following.opens_at > moment
            assert window.opening_at(following.opens_at) == following
            assert window.opening_at(following.opens_at - timedelta(seconds=1)) is None
            between = following.opens_at - (opening.closes_at if opening else moment)
            assert between > timedelta(0)
            assert window.opening_at(following.opens_at - between / 2) is None


def _spans(each: dict[str, Any], clock: _ByTheMinute, around: date) -> list[tuple[datetime, datetime]]:
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    allowed = {"mon-fri": set(range(5)), "sat-mon": {5, 6, 0}}
    found = []
    for more in range(-2, 3):
        day = around + timedelta(days=more)
        wanted = {n for text in each["weekdays"] for n in allowed.get(text, {names.index(text[:3])})}
        if wanted and day.weekday() not in wanted:
            continue
        start = datetime.combine(day, time.fromisoformat(each["start"]))
        next_day = each["end"] == "24:00" or each["end"] <= each["start"]
        end_time = time() if each["end"] == "24:00" else time.fromisoformat(each["end"])
        end = datetime.combine(day + timedelta(days=next_day), end_time)
        if clock.first(start) < clock.first(end):
            found.append((clock.first(start), clock.first(end)))
    return found
