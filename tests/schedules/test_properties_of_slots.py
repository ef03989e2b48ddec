"""Rules that hold for every schedule in every zone, around all changes of their offsets from 2024 to 2030."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runner.schedules import zones
from runner.schedules.dialect import read_cron
from runner.schedules.kinds import schedule_from
from runner.schedules.slot import Slot

ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "Atlantic/Azores",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Asuncion",
    "America/Havana",
    "America/Nuuk",
    "America/Scoresbysund",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Asia/Almaty",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Antarctica/Troll",
)
CLOCK_LIKE = ("30 2 * * *", "0 0 * * *", "*/20 0-3 * * *", "0,59 0,1,2,3,23 * * *", "15 */2 * * 0,6")
RATE_LIKE = ("0 * * * *", "*/15 * * * *", "7,37 * * * *", "* * * * 0", "30 * L * *")
START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)


@lru_cache
def changes(zone: str) -> tuple[zones.Transition, ...]:
    return zones.transitions(ZoneInfo(zone), START, END)


def around(zone: str) -> list[tuple[datetime, datetime]]:
    """Two days on each side of every change; for a zone without any, one stretch."""
    days = timedelta(days=2)
    return [(t.at - days, t.at + days) for t in changes(zone)] or [(START, START + 2 * days)]


def slots(cron: str, zone: str, after: datetime, until: datetime) -> list[Slot]:
    return list(schedule_from({"cron": cron, "timezone": zone}).between(after, until))


def test_the_zones_do_change() -> None:
    assert sum(len(changes(zone)) for zone in ZONES) > 250


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CLOCK_LIKE + RATE_LIKE)
def test_slots_are_strictly_increasing_and_no_name_comes_twice(zone: str, cron: str) -> None:
    for after, until in around(zone):
        found = slots(cron, zone, after, until)
        assert all(was.at < now.at for was, now in pairwise(found))
        keys = [key for slot in found for key in slot.keys]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["*/20 0-3 * * *", "0,59 0,1,2,3,23 * * *", "*/15 * * * *"])
def test_the_answer_does_not_depend_on_where_one_starts(zone: str, cron: str) -> None:
    schedule = schedule_from({"cron": cron, "timezone": zone})
    for after, until in around(zone):
        expected = list(schedule.between(after, until))
        position = after
        for slot in expected:
            while position < slot.at:
                assert schedule.next_after(position) == slot
                position += timedelta(minutes=41)
            position = slot.at


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CLOCK_LIKE)
def test_whole_local_days_have_all_their_slots(zone: str, cron: str) -> None:
    reading = read_cron(cron)[0]
    assert reading is not None
    for after, until in around(zone):
        keys = {key for slot in slots(cron, zone, after, until) for key in slot.keys}
        first, last = (zones.wall_time(ZoneInfo(zone), moment).date() for moment in (after, until))
        day = first + timedelta(days=1)
        while day < last:
            if (day.isoweekday() % 7) in reading.wdays:
                expected = {
                    f"{datetime.combine(day, time(hour, minute)):%Y-%m-%dT%H:%M}[{zone}]"
                    for hour in reading.hours
                    for minute in reading.minutes
                }
                assert {key for key in keys if key.startswith(day.isoformat())} == expected
            day += timedelta(days=1)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CLOCK_LIKE)
def test_a_clock_like_slot_starts_at_its_local_time_or_at_the_end_of_its_gap(zone: str, cron: str) -> None:
    place = ZoneInfo(zone)
    ends = {change.at for change in changes(zone)}
    for after, until in around(zone):
        for slot in slots(cron, zone, after, until):
            shown = zones.wall_time(place, slot.at).isoformat(timespec="minutes")
            if "gap" in slot.marks:
                assert slot.at in ends
            else:
                assert slot.key.startswith(shown)
                assert slot.at.astimezone(place).fold == 0


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["0 * * * *", "7,37 * * * *", "* * * * 0"])
def test_a_rate_like_schedule_starts_whenever_the_clocks_show_a_selected_minute(zone: str, cron: str) -> None:
    reading = read_cron(cron)[0]
    assert reading is not None
    place = ZoneInfo(zone)
    for after, until in around(zone)[:4]:
        expected, minute = [], after.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while minute <= until:
            local = minute.astimezone(place)
            if local.minute in reading.minutes and local.isoweekday() % 7 in reading.wdays:
                expected.append(minute)
            minute += timedelta(minutes=1)
        assert [slot.at for slot in slots(cron, zone, after, until)] == expected


CRON_TERMS = {
    "minute": ["0", "*/15", "5,35", "10-20/5", "59"],
    "hour": ["*", "0", "2", "*/6", "22,23", "1-4"],
    "day": ["*", "1", "15,31", "L", "10-12"],
    "month": ["*", "2", "*/3", "6-8"],
    "wday": ["*", "0", "1-5", "2#2", "5L"],
}
ANY_CRON = st.tuples(*(st.sampled_from(terms) for terms in CRON_TERMS.values())).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(cron=ANY_CRON, start=st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)))
def test_cronsim_gives_the_same_slots_where_clocks_do_not_change(cron: str, start: datetime) -> None:
    ours = schedule_from({"cron": cron, "timezone": "UTC"})
    theirs = CronSim(cron, start.replace(tzinfo=UTC))
    position = start.replace(tzinfo=UTC)
    for _ in range(5):
        slot = ours.next_after(position)
        assert slot is not None
        assert slot.at == next(theirs)
        position = slot.at


@settings(max_examples=200, deadline=None)
@given(
    cron=ANY_CRON, zone=st.sampled_from(ZONES), start=st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1))
)
def test_cronsim_gives_the_same_slots_while_a_zone_keeps_one_offset(
    cron: str, zone: str, start: datetime
) -> None:
    place, position = ZoneInfo(zone), start.replace(tzinfo=UTC)
    slot = schedule_from({"cron": cron, "timezone": zone}).next_after(position)
    assert slot is not None
    day = timedelta(days=1)
    assume(slot.at - position < 100 * day and not zones.transitions(place, position - day, slot.at + day))
    assert slot.at == next(CronSim(cron, position.astimezone(place)))


def test_ten_thousand_jobs_on_two_hundred_schedules_cost_two_hundred_answers() -> None:
    from runner.schedules import cron

    now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    crons = [f"{n % 60} {n % 23} * * {n % 7}" for n in range(200)]
    schedules = [schedule_from({"cron": crons[n % 200], "timezone": "Europe/Zurich"}) for n in range(10_000)]
    before = cron._next_after.cache_info().misses
    for schedule in schedules:
        schedule.next_after(now)
    assert cron._next_after.cache_info().misses - before <= 200


@settings(deadline=None)
@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.sampled_from(ZONES))
def test_one_offset_for_a_day_means_that_no_change_lies_in_it(day: date, zone: str) -> None:
    place = ZoneInfo(zone)
    if zones.keeps_one_offset(place, day) is None:
        return
    start = zones.due_instant(place, datetime.combine(day, time())).at
    end = zones.due_instant(place, datetime.combine(day, time(23, 59))).at
    assert zones.transitions(place, start, end) == ()
