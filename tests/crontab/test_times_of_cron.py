"""Cron's five fields, our own dialect, and what changes of the clocks do to both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.crontab.days import calendar_name, other_days, resolved
from runner.crontab.starts import cron_starts
from runner.crontab.times import CronTime, NotCron, Ours, as_ours, read_time
from runner.schedules.cron import check_cron
from runner.schedules.kinds import schedule_from
from tests.searching import examples

BERLIN = ZoneInfo("Europe/Berlin")


def of(cron: str) -> CronTime:
    return read_time(cron.split())


@pytest.mark.parametrize(
    ("cron", "ours"),
    [
        ("17 * * * *", "17 * * * *"),
        ("47 6 * * 7", "47 6 * * 7"),
        ("0 0 1,15 * 5", "0 0 1,15 * 5"),
        ("09,39 * * * *", "09,39 * * * *"),
        ("0 0 * JAN,mar Sun", "0 0 * JAN,mar Sun"),
        ("0 0 1-31 * mon", "0 0 * * *"),
        ("0 0 1-7 * */7", "0 0 * * 0#1"),
        ("0 0 8-14 * */3", "0 0 * * 0#2,3#2,6#2"),
        ("0 0 */2 * *", "0 0 */2 * *"),
        ("0 0 * * */2", "0 0 * * */2"),
        ("*/100 0 * * *", "*/100 0 * * *"),
    ],
)
def test_an_expression_means_here_what_it_means_for_cron(cron: str, ours: str):
    found = as_ours(read_time(cron.split()), cron)
    assert found == Ours(ours)
    assert not [p for p in check_cron(found.cron) if p.severity == "error"]


def test_days_that_must_fit_both_fields_are_weekdays_without_what_a_calendar_leaves_out():
    assert as_ours(of("0 0 */9 * mon-fri"), "0 0 */9 * mon-fri") == Ours("0 0 * * 1-5", (1, 10, 19, 28))
    assert as_ours(of("5 4 */100,8-14 1 sun"), "5 4 */100,8-14 1 sun") == Ours(
        "5 4 * 1 0", (1, *range(8, 15))
    )
    assert calendar_name((1, 10, 19, 28)) == "only-days-1-to-28-by-9"
    assert {name: span for name, span in other_days((1, 10, 19, 28)).items() if name < "m02_d20"} == {
        "m01_d02": ("01-02", "01-09"),
        "m01_d11": ("01-11", "01-18"),
        "m01_d20": ("01-20", "01-27"),
        "m01_d29": ("01-29", "01-31"),
        "m02_d02": ("02-02", "02-09"),
        "m02_d11": ("02-11", "02-18"),
    }
    assert len(calendar_name([1, 2, 4, 7, 11, 12, 14, 16, 18, 19, 21, 23, 25, 26, 28, 29, 31])) <= 63


@pytest.mark.parametrize("cron", ["0 0 31 2 *", "0 0 30 2 */2", "0 0 31 2,4,6 */3"])
def test_days_that_do_not_exist_are_said(cron: str):
    with pytest.raises(NotCron, match="selects no day that there is"):
        as_ours(of(cron), cron)


@pytest.mark.parametrize(
    "cron", ["0 7 */3 * 1-5", "0,30 */6 */9 2,3 *,mon", "15 3 */30 * sun,sat", "1 1 29 2 */2"]
)
def test_days_that_must_fit_both_fields_are_the_same_days_for_years(cron: str):
    zone = ZoneInfo("UTC")
    after, until = datetime(2026, 2, 20, tzinfo=UTC), datetime(2034, 3, 2, tzinfo=UTC)
    ours = schedule_from(resolved(as_ours(of(cron), cron), "UTC"))
    here = [slot.at for slot in ours.between(after, until)]
    assert list(cron_starts(of(cron), zone, after, until)) == here
    assert here


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    one = st.integers(low, high).map(str)
    several = st.lists(one, min_size=1, max_size=3).map(",".join)
    spread = st.tuples(st.integers(low, high), st.integers(low, high), st.integers(1, 9)).map(
        lambda t: f"{min(t[:2])}-{max(t[:2])}/{t[2]}"
    )
    return st.one_of(st.just("*"), several, spread, st.integers(2, 9).map(lambda n: f"*/{n}"))


FIELDS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 7))


@given(FIELDS)
@examples(60)
def test_where_no_clock_changes_both_start_at_the_same_instants(fields: tuple[str, ...]):
    time = read_time(fields)
    try:
        ours = as_ours(time, " ".join(fields))
    except NotCron:
        return  # selects no day at all
    if [p for p in check_cron(ours.cron) if p.severity == "error"]:
        return
    after = datetime(2026, 2, 20, tzinfo=UTC)
    until = after + timedelta(days=12)
    here = [slot.at for slot in schedule_from(resolved(ours, "UTC")).between(after, until)]

    assert list(cron_starts(time, ZoneInfo("UTC"), after, until)) == here


def starts_on(cron: str, day: date) -> list[str]:
    after = datetime(day.year, day.month, day.day, tzinfo=BERLIN) - timedelta(seconds=1)
    found = cron_starts(read_time(cron.split()), BERLIN, after, after + timedelta(hours=12))
    return [f"{at.astimezone(BERLIN):%H:%M%z}" for at in found]


def test_a_fixed_time_in_skipped_time_is_started_right_after_it_and_once_for_each():
    assert starts_on("0,30 2 * * *", date(2026, 3, 29)) == ["03:00+0200", "03:00+0200"]


def test_a_wildcard_in_skipped_time_is_not_started():
    assert starts_on("*/30 2 * * *", date(2026, 3, 29)) == []


def test_a_fixed_time_in_repeated_time_is_started_once_and_a_wildcard_twice():
    assert starts_on("30 2 * * *", date(2026, 10, 25)) == ["02:30+0200"]
    assert starts_on("*/30 2 * * *", date(2026, 10, 25)) == [
        "02:00+0200",
        "02:30+0200",
        "02:00+0100",
        "02:30+0100",
    ]


def test_a_change_of_three_hours_or_more_is_a_correction():
    troll = ZoneInfo("Antarctica/Troll")  # two hours: still daylight saving
    after = datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert len(list(cron_starts(of("30 1 * * *"), troll, after, after + timedelta(days=1)))) == 1
    apia = ZoneInfo("Pacific/Apia")  # a whole day
    after = datetime(2011, 12, 30, 9, tzinfo=UTC)
    assert list(cron_starts(of("30 1 30 12 *"), apia, after, after + timedelta(days=2))) == []
