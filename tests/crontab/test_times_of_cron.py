"""Cron's five fields, our own dialect, and what changes of the clocks do to both."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.crontab.starts import cron_starts
from runner.crontab.times import CronTime, NotCron, as_our_cron, read_time
from runner.schedules.cron import check_cron, cron_schedule
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
        ("0 0 */100,8-14 * mon", None),
        ("0 0 8-14 * */3", "0 0 * * 0#2,3#2,6#2"),
        ("0 0 */2 * *", "0 0 */2 * *"),
        ("0 0 * * */2", "0 0 * * */2"),
        ("*/100 0 * * *", None),
    ],
)
def test_an_expression_means_here_what_it_means_for_cron(cron: str, ours: str | None):
    time = read_time(cron.split())
    if ours is not None:
        assert as_our_cron(time, cron) == ours
    else:
        try:
            assert not [p for p in check_cron(as_our_cron(time, cron)) if p.severity == "error"]
        except NotCron:
            assert time.both_days


def test_days_that_must_fit_both_fields_are_said_and_not_guessed():
    with pytest.raises(NotCron, match="days that fit both the day of the month and the day of the week"):
        as_our_cron(of("0 0 */2 * mon"), "0 0 */2 * mon")


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
        ours = as_our_cron(time, " ".join(fields))
    except NotCron:
        return
    if [p for p in check_cron(ours) if p.severity == "error"]:
        return  # selects no day at all
    after = datetime(2026, 2, 20, tzinfo=UTC)
    until = after + timedelta(days=12)
    here = [slot.at for slot in cron_schedule(ours, ZoneInfo("UTC")).between(after, until)]

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
