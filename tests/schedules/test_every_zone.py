"""The proof: around every change of a zone's clocks from 2024 to 2030, the slots are what they must be.

Strictly increasing; a local slot fires once; the answer does not depend on where one starts; every whole
local day has all its slots. What must be is asked of the tz database minute by minute (zone_proof.py).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from zone_proof import BOTH_SIDES, MINUTE, START, ZONES, changes, faults, shown

USUAL = ("30 2 * * *", "*/20 0-3 * * *", "*/30 22,23,0,1 * * *", "0 * * * *")
PARTS = 8
EVERY_ZONE = sorted(available_timezones() - {"localtime"})


def moments(zone: str) -> tuple[datetime, ...]:
    """Around which to look: every change, or any time where there is none."""
    return changes(zone) or (START + timedelta(days=900),)


@pytest.mark.parametrize("zone", ZONES)
def test_the_slots_of_a_zone_are_what_its_clocks_show(zone: str) -> None:
    assert [fault for at in moments(zone) for fault in faults(zone, at, USUAL)] == []


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "America/Santiago", "Australia/Lord_Howe"])
def test_so_are_those_of_every_expression(zone: str) -> None:
    assert [fault for at in moments(zone)[-4:] for fault in faults(zone, at)] == []


def test_the_day_that_apia_left_out_is_proven_too() -> None:
    (change,) = changes("Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC))
    assert faults("Pacific/Apia", change) == []


def test_the_zones_do_change() -> None:
    assert sum(len(changes(zone)) for zone in ZONES) > 200


def test_the_proof_sees_what_it_is_to_see() -> None:
    """A slot in a gap is never shown and expected at its end; a repeated one is expected at its first."""
    change = changes("Europe/Berlin")[0]
    seen = shown("Europe/Berlin", change - BOTH_SIDES, change + BOTH_SIDES)
    gap = datetime(2024, 3, 31, 2, 30)
    assert gap not in seen.walls
    assert seen.first(gap) == change
    change = changes("Europe/Berlin")[1]
    seen = shown("Europe/Berlin", change - BOTH_SIDES, change + BOTH_SIDES)
    twice = datetime(2024, 10, 27, 2, 30)
    assert seen.walls.count(twice) == 2
    assert seen.first(twice) == change - 30 * MINUTE


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_the_slots_of_every_zone_of_the_tz_database_are_what_its_clocks_show(part: int) -> None:
    zones = EVERY_ZONE[part::PARTS]
    assert [fault for zone in zones for at in moments(zone) for fault in faults(zone, at)] == []
