"""Elapsed time and single instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from runner.schedules.kinds import schedule_from
from runner.schedules.slot import ScheduleProblem


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def starts(resolved: dict[str, str], after: str, count: int) -> list[str]:
    schedule, found, position = schedule_from(resolved), [], utc(after)
    while len(found) < count and (slot := schedule.next_after(position)) is not None:
        found.append(slot.key)
        position = slot.at
    return found


def test_every_counts_from_the_epoch_unless_an_anchor_is_named() -> None:
    assert starts({"every": "15m"}, "2026-11-21T10:07:00Z", 2) == [
        "2026-11-21T10:15:00Z",
        "2026-11-21T10:30:00Z",
    ]
    assert starts({"every": "7h", "anchor": "2026-11-21T03:20:00Z"}, "2026-11-21T10:00:00Z", 2) == [
        "2026-11-21T10:20:00Z",
        "2026-11-21T17:20:00Z",
    ]


def test_every_has_no_slot_before_its_anchor() -> None:
    assert starts({"every": "1h", "anchor": "2026-12-01T00:00:00Z"}, "2026-11-01T00:00:00Z", 1) == [
        "2026-12-01T00:00:00Z"
    ]


def test_an_anchor_without_an_offset_is_local_time() -> None:
    resolved = {"every": "1d", "anchor": "2026-11-01T06:00", "timezone": "Europe/Berlin"}
    assert starts(resolved, "2026-11-20T00:00:00Z", 1) == ["2026-11-20T05:00:00Z"]


def test_every_ignores_daylight_saving() -> None:
    schedule = schedule_from({"every": "30m", "timezone": "Europe/Berlin"})
    slots = list(schedule.between(utc("2026-03-29T00:00:00Z"), utc("2026-03-29T02:00:00Z")))
    assert [slot.local for slot in slots] == [
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
        "2026-03-29T04:00:00+02:00",
    ]


def test_between_leaves_its_start_out_and_takes_its_end_in() -> None:
    schedule = schedule_from({"every": "1m"})
    start = utc("2026-11-21T10:00:00Z")
    assert [s.at for s in schedule.between(start, start + timedelta(minutes=2))] == [
        start + timedelta(minutes=1),
        start + timedelta(minutes=2),
    ]


def test_at_is_one_slot() -> None:
    resolved = {"at": "2026-12-01T02:00", "timezone": "Europe/Berlin"}
    assert starts(resolved, "2026-11-01T00:00:00Z", 5) == ["2026-12-01T01:00:00Z"]
    assert starts(resolved, "2026-12-01T01:00:00Z", 5) == []


def test_at_in_a_gap_moves_to_its_end_and_says_so() -> None:
    schedule = schedule_from({"at": "2026-03-29T02:30", "timezone": "Europe/Berlin"})
    slot = schedule.next_after(utc("2026-01-01T00:00:00Z"))
    assert slot is not None
    assert (slot.local, slot.marks) == ("2026-03-29T03:00:00+02:00", ("gap",))


WRONG = [
    ({"every": "15"}, "every", "'15' is not a duration; write it like 90s, 5m, 1h30m or 2d"),
    ({"every": "0s"}, "every", "'0s' is too short; an interval is 1s or longer"),
    (
        {"every": "1h", "anchor": "noon"},
        "anchor",
        "'noon' is not an instant; write it like 2026-12-01T02:00 (local time) or 2026-12-01T02:00:00Z",
    ),
    (
        {"at": "2026-13-01T02:00"},
        "at",
        "'2026-13-01T02:00' is not an instant; write it like 2026-12-01T02:00 (local time) "
        "or 2026-12-01T02:00:00Z",
    ),
    ({"cron": "0 25 * * *"}, "cron.hour", "25 is out of range; an hour is 0 to 23"),
    (
        {"cron": "0 2 * * *", "timezone": "Europe/Berln"},
        "timezone",
        "'Europe/Berln' is not a time zone of the tz database; did you mean 'Europe/Berlin'?",
    ),
    (
        {"trigger": {"startup": {}}},
        "trigger",
        "the trigger means nothing: 'kind'",
    ),
    (
        {"cron": "0 2 * * *", "calendars": ["holidays"]},
        "calendars",
        "the dates of its calendars are not part of it; apply it anew",
    ),
    (
        {"cron": "0 2 * * *", "every": "1h"},
        "every",
        "a schedule is exactly one of cron, every, at, window, fireAndForget, trigger; found cron and every",
    ),
    (
        {"crn": "0 2 * * *"},
        "",
        "a schedule is exactly one of cron, every, at, window, fireAndForget, trigger; "
        "found none (did you mean 'cron'?)",
    ),
]


@pytest.mark.parametrize(("resolved", "field", "message"), WRONG, ids=[str(row[0]) for row in WRONG])
def test_nonsense_is_refused_with_its_field(resolved: dict[str, str], field: str, message: str) -> None:
    with pytest.raises(ScheduleProblem) as caught:
        schedule_from(resolved)
    assert (caught.value.field, str(caught.value)) == (field, message)


def test_equal_declarations_share_one_schedule_and_its_answers() -> None:
    one = schedule_from({"cron": "0 2 * * *", "timezone": "UTC", "jitter": "5m"})
    other = schedule_from({"cron": "0 2 * * *", "timezone": "UTC", "jitter": None})
    assert one is other


@pytest.mark.parametrize("resolved", [{"cron": "0 2 * * *"}, {"cron": "* * * * *"}, {"every": "1h"}])
def test_the_end_of_time_is_no_slot_and_no_exception(resolved: dict[str, str]) -> None:
    zone = {"timezone": "Europe/Berlin"}
    assert schedule_from(resolved | zone).next_after(datetime.max.replace(tzinfo=UTC)) is None
    assert schedule_from(resolved | zone).next_after(datetime(1, 1, 1, tzinfo=UTC)) is not None
