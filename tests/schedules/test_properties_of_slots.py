"""Rules that hold for every schedule, tried at random: against cronsim where clocks do not change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim
from hypothesis import assume, given
from hypothesis import strategies as st

from runner.schedules import zones
from runner.schedules.kinds import schedule_from
from tests.searching import examples

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
CRON_TERMS = {
    "minute": ["0", "*/15", "5,35", "10-20/5", "59"],
    "hour": ["*", "0", "2", "*/6", "22,23", "1-4"],
    "day": ["*", "1", "15,31", "L", "10-12"],
    "month": ["*", "2", "*/3", "6-8"],
    "wday": ["*", "0", "1-5", "2#2", "5L"],
}
ANY_CRON = st.tuples(*(st.sampled_from(terms) for terms in CRON_TERMS.values())).map(" ".join)


@examples(300)
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


@examples(200)
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


@given(st.dates(date(2024, 1, 1), date(2030, 12, 31)), st.sampled_from(ZONES))
def test_one_offset_for_a_day_means_that_no_change_lies_in_it(day: date, zone: str) -> None:
    place = ZoneInfo(zone)
    if zones.keeps_one_offset(place, day) is None:
        return
    start = zones.due_instant(place, datetime.combine(day, time())).at
    end = zones.due_instant(place, datetime.combine(day, time(23, 59))).at
    assert zones.transitions(place, start, end) == ()
