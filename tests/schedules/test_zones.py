"""Which instant a local time names."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from runner.schedules import zones

BERLIN = ZoneInfo("Europe/Berlin")


def test_an_unknown_zone_is_named_with_the_nearest_one() -> None:
    assert zones.check_zone("Europe/Berln") == (
        "'Europe/Berln' is not a time zone of the tz database; did you mean 'Europe/Berlin'?"
    )
    assert zones.check_zone("berlin") == (
        "'berlin' is not a time zone of the tz database; did you mean 'Europe/Berlin'?"
    )


@pytest.mark.parametrize(
    "name", ["../etc/passwd", "/etc/passwd", "", "x" * 5000, "\0", "Europe", "localtime"]
)
def test_a_hostile_name_is_no_zone(name: str) -> None:
    assert "is not a time zone" in (zones.check_zone(name) or "")


def test_every_zone_of_the_database_is_accepted() -> None:
    assert [name for name in available_timezones() if name != "localtime" and zones.check_zone(name)] == []


def test_a_time_in_a_gap_is_due_at_its_end() -> None:
    due = zones.due_instant(BERLIN, datetime(2026, 3, 29, 2, 30))
    assert due == zones.Due(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "gap")


def test_a_time_that_comes_twice_is_due_at_the_first() -> None:
    due = zones.due_instant(BERLIN, datetime(2026, 10, 25, 2, 30))
    assert due == zones.Due(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "fold")


def test_the_changes_of_a_year_are_found_with_their_kind() -> None:
    found = zones.transitions(BERLIN, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [(t.at.isoformat(), t.kind) for t in found] == [
        ("2026-03-29T01:00:00+00:00", "gap"),
        ("2026-10-25T01:00:00+00:00", "fold"),
    ]


def test_a_day_with_a_change_keeps_no_single_offset() -> None:
    assert zones.keeps_one_offset(BERLIN, date(2026, 3, 29)) is None
    assert zones.keeps_one_offset(BERLIN, date(2026, 3, 30)) == timedelta(hours=2)
    assert zones.keeps_one_offset(ZoneInfo("America/Santiago"), date(2026, 9, 6)) is None
    assert zones.keeps_one_offset(ZoneInfo("Pacific/Apia"), date(2011, 12, 30)) is None
