"""R7: what the dialect accepts, and what it says about the rest."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from runner.schedules.cron import check_cron
from runner.schedules.days import day_expressions, first_day
from runner.schedules.dialect import CronReading, read_cron


def reading_of(cron: object) -> CronReading:
    reading, problems = read_cron(cron)  # type: ignore[arg-type]
    assert reading is not None, problems
    return reading


def days_of(cron: str, start: date, count: int) -> list[str]:
    found = []
    for _ in range(count):
        day = first_day(reading_of(cron), start)
        assert day is not None
        found.append(day.isoformat())
        start = day.fromordinal(day.toordinal() + 1)
    return found


ERRORS = [
    ("60 * * * *", "minute", "60 is out of range; a minute is 0 to 59"),
    ("0 24 * * *", "hour", "24 is out of range; an hour is 0 to 23"),
    ("0 0 0 * *", "day", "0 is out of range; a day of the month is 1 to 31"),
    ("0 0 * 13 *", "month", "13 is out of range; a month is 1 to 12 or jan to dec"),
    ("0 0 * * 8", "wday", "8 is out of range; a day of the week is 0 to 7 or sun to sat"),
    ("0 0 * feb xyz", "wday", "'xyz' is not a day of the week; accepted: 0 to 7 or sun to sat"),
    ("0 0 * mon *", "month", "'mon' is not a month; accepted: 1 to 12 or jan to dec"),
    ("5-1 * * * *", "minute", "the range 5-1 is reversed; write 5-59,0-1"),
    ("0 22-4 * * *", "hour", "the range 22-4 is reversed; write 22-23,0-4"),
    ("0 0 * * fri-mon", "wday", "the range fri-mon is reversed; write fri-7,1-mon"),
    ("*/0 * * * *", "minute", "the step of '*/0' is 0; a step is 1 or more"),
    ("1,,2 * * * *", "minute", "an empty entry in the list; a minute is 0 to 59"),
    ("0 0 15W * *", "day", "'15W' (nearest weekday) is not part of this dialect; LW (last weekday) is"),
    ("0 0 W * *", "day", "'W' (nearest weekday) is not part of this dialect; LW (last weekday) is"),
    ("0 0 L-3 * *", "day", "'L-3' (days before the last) is not part of this dialect; L is"),
    ("R * * * *", "minute", "'r' (a random value) is not part of this dialect; name one and add `jitter`"),
    ("0 0 ? * 1", "day", "'?' is not part of this dialect; write *"),
    ("0 0 * * L", "wday", "'L' needs a day here; the last Friday of the month is L5 or 5L"),
    ("0 0 * * 1#6", "wday", "'1#6': a month has the 1st to the 5th of a weekday, not #6"),
    ("0 0 30 2 *", "day", "the expression selects no day within 5 years"),
    ("0 0 31 2,4,6 *", "day", "the expression selects no day within 5 years"),
    ("0 0 * 2 1#5", "wday", "the expression selects no day within 5 years"),
    (
        "0 0 0 1 1 * 2026",
        "",
        "the expression has 7 fields; it needs five: minute hour day month wday "
        "(seconds and years are not part of this dialect)",
    ),
    ("0 2", "", "the expression has 2 fields; it needs five: minute hour day month wday"),
]


@pytest.mark.parametrize(("cron", "field", "message"), ERRORS, ids=[row[0] for row in ERRORS])
def test_an_error_names_its_field_and_what_would_be_accepted(cron: str, field: str, message: str) -> None:
    assert [(p.field, p.message, p.severity) for p in check_cron(cron)] == [(field, message, "error")]


def test_every_wrong_field_is_told_at_once() -> None:
    assert [problem.field for problem in check_cron("60 25 32 13 9")] == [
        "minute",
        "hour",
        "day",
        "month",
        "wday",
    ]


def test_a_start_with_the_machine_is_named_as_a_trigger() -> None:
    (problem,) = check_cron("@reboot")
    assert problem.message.endswith("for a start with the daemon use trigger: {startup: {}}")


@pytest.mark.parametrize("cron", ["*/7 * * * *", "0 */5 * * *", "0 0 */2 * *", "0 0 * */5 *", "0 0 * * */2"])
def test_a_step_that_does_not_divide_its_range_is_a_warning(cron: str) -> None:
    assert [problem.severity for problem in check_cron(cron)] == ["warning"]


@pytest.mark.parametrize(
    "cron",
    ["*/15 * * * *", "0 */6 * * *", "5/15 * * * *", "0-30/10 * * * *", "0 8-18/2 * * *", "0-59/5 * * * *"],
)
def test_an_even_step_is_no_problem(cron: str) -> None:
    assert check_cron(cron) == []


def test_the_warning_says_what_the_step_selects() -> None:
    assert check_cron("*/25 * * * *")[0].message == (
        "the step of '*/25' does not divide its range: it selects 0, 25, 50, and the last pause is uneven"
    )


def test_a_range_of_one_value_is_that_value_and_not_the_whole_cycle() -> None:
    assert reading_of("5-5 * * * *").minutes == (5,)


def test_zero_and_seven_are_sunday() -> None:
    assert reading_of("0 0 * * 0") == reading_of("0 0 * * 7") == reading_of("0 0 * * SUN")
    assert reading_of("0 0 * * 5-7").wdays == (0, 5, 6) == reading_of("0 0 * * fri-sun").wdays


def test_what_is_selected_counts_and_not_how_it_is_spelt() -> None:
    assert reading_of("0 0-23 * * *").rate_like
    assert reading_of("0 0-11,12-23 1-31 jan-dec 0-6") == reading_of("0 * * * *")
    assert not reading_of("0 1-23 * * *").rate_like


def test_a_mapping_means_what_the_text_means() -> None:
    mapping = {"minute": 0, "hour": 2, "day": "*", "month": "*", "wday": "mon-fri"}
    assert reading_of(mapping) == reading_of("0 2 * * 1-5")


def test_a_mapping_names_an_unknown_field_with_the_nearest_one() -> None:
    (problem,) = check_cron({"minute": 0, "hours": 2})
    assert problem.message == (
        "'hours' is not a field of cron; known: minute, hour, day, month, wday; did you mean 'hour'?"
    )


def test_a_mapping_that_leaves_the_minute_out_is_warned_about() -> None:
    (problem,) = check_cron({"hour": 2})
    assert (problem.field, problem.severity) == ("minute", "warning")


@pytest.mark.parametrize(
    "cron", [None, 5, ["0 2 * * *"], "", "x" * 100_000, "9" * 500, "٣ * * * *", "\0 * * * *"]
)
def test_nonsense_is_a_problem_and_never_an_exception(cron: object) -> None:
    assert any(problem.severity == "error" for problem in check_cron(cron))  # type: ignore[arg-type]


@given(st.text(alphabet="0123456789*/-,#LWRlw? @monjan", max_size=40))
def test_any_text_gives_an_answer(text: str) -> None:
    check_cron(text)


def test_day_of_month_or_day_of_week_when_both_are_restricted() -> None:
    assert days_of("0 0 13 * fri", date(2026, 2, 1), 5) == [
        "2026-02-06",
        "2026-02-13",
        "2026-02-20",
        "2026-02-27",
        "2026-03-06",
    ]
    assert days_of("0 0 15 * 1#1", date(2026, 1, 1), 4) == [
        "2026-01-05",
        "2026-01-15",
        "2026-02-02",
        "2026-02-15",
    ]


def test_last_day_last_weekday_and_last_friday() -> None:
    assert days_of("0 0 L * *", date(2028, 1, 15), 3) == ["2028-01-31", "2028-02-29", "2028-03-31"]
    assert days_of("0 0 LW * *", date(2026, 1, 1), 5) == [
        "2026-01-30",
        "2026-02-27",
        "2026-03-31",
        "2026-04-30",
        "2026-05-29",
    ]
    assert days_of("0 0 * * 5L", date(2026, 1, 1), 2) == ["2026-01-30", "2026-02-27"]
    assert days_of("0 0 * * L5", date(2026, 1, 1), 2) == ["2026-01-30", "2026-02-27"]
    assert days_of("0 0 1,LW * *", date(2026, 1, 1), 3) == ["2026-01-01", "2026-01-30", "2026-02-01"]


def test_the_last_weekday_of_some_months_only() -> None:
    assert days_of("0 0 LW 12 *", date(2026, 1, 1), 2) == ["2026-12-31", "2027-12-31"]


def test_a_leap_day_is_found_across_a_century_that_has_none() -> None:
    assert first_day(reading_of("0 0 29 2 *"), date(2096, 3, 1)) == date(2104, 2, 29)


FIELD_TERMS = st.sampled_from(
    ["*", "1", "3,5", "2-5", "*/2", "1-6/2", "5-5", "L", "1#2", "5L", "LW", "4,L", "3#1,5"]
)


@given(day=FIELD_TERMS, month=st.sampled_from(["*", "2", "1-6", "*/3"]), wday=FIELD_TERMS)
def test_croniter_reads_each_canonical_part_as_we_do(day: str, month: str, wday: str) -> None:
    reading, _ = read_cron(f"0 0 {day} {month} {wday}")
    if reading is None:
        return
    for expression in day_expressions(reading):
        assert croniter.is_valid(expression, strict=True)
        _, _, days, months, wdays = croniter.expand(expression)[0]
        assert months in (list(reading.months), ["*"])
        assert days in (list(reading.days), ["*"], ["l"])
        if wdays != ["*"] and not ("#" in expression or "l" in expression):
            assert wdays == list(reading.wdays)


def test_selected_days_follow_each_other() -> None:
    reading = reading_of("0 0 10-20/3,L * tue")
    day = date(2026, 1, 1)
    found = []
    while day.year == 2026:
        selected = first_day(reading, day)
        assert selected is not None
        found.append(selected)
        day = selected.fromordinal(selected.toordinal() + 1)
    assert all(a < b for a, b in pairwise(found))
    assert {d for d in found if d.year == 2026} >= {date(2026, 1, 13), date(2026, 1, 31), date(2026, 1, 6)}
