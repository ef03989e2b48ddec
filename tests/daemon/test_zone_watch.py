"""A daemon that runs while the tz database is updated starts by the new rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
from daemons import Daemon, StandingClock
from installations import Installation, a_job
from lives import set_watermark

from runner.daemon.zone_watch import ZoneWatch
from runner.operations.tz_database import tz_rules
from runner.operations.zones_in_use import ZoneChange
from runner.schedules.kinds import forget_zones

CITY = "Europe/Berlin"


@pytest.fixture
def database(tmp_path: Path) -> Callable[[str], None]:
    """Makes a tz database in which the city has the rules of another place."""
    place = tmp_path / "zoneinfo" / CITY
    place.parent.mkdir(parents=True)

    def update(rules_from: str) -> None:
        rules = (Path("/usr/share/zoneinfo") / rules_from).read_bytes()
        place.write_bytes(rules)

    return update


@pytest.mark.skipif(not Path("/usr/share/zoneinfo").exists(), reason="the machine has no tz database")
def test_the_next_slot_follows_the_new_rules_and_the_difference_is_told(
    here: Installation, a_daemon: Callable[..., Daemon], database: Callable[[str], None], tmp_path: Path
) -> None:
    database("Africa/Lagos")
    reset_tzpath([str(tmp_path / "zoneinfo")])
    forget_zones()
    told: list[ZoneChange] = []
    try:
        july = datetime(2027, 7, 1, tzinfo=UTC)
        here.install(a_job("night", schedule={"cron": "30 2 * * *", "timezone": CITY}))
        set_watermark(here, "night", july)
        up = a_daemon(clock=StandingClock(july))
        watch = ZoneWatch(up.loop, here.store, up.clock, up.engine, told.append, up.heard.trouble)
        watch.look()
        up.until(lambda: not watch._bridge.pending)
        assert up.engine.next_start() == (datetime(2027, 7, 1, 1, 30, tzinfo=UTC), "night")
        database("Europe/Berlin")
        watch.look()
        up.until(lambda: bool(told))
        watch.stop()
        assert up.engine.next_start() == (datetime(2027, 7, 1, 0, 30, tzinfo=UTC), "night")
        assert told[0].moved[0].now == datetime(2027, 7, 1, 0, 30, tzinfo=UTC)
        assert tz_rules(CITY) is not None
    finally:
        reset_tzpath()
        forget_zones()
        assert ZoneInfo("UTC").key == "UTC"
