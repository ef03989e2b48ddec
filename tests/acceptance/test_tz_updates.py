"""Mexico gave up its summer time in the release 2022f of the tz database: an installation goes through that.

The zone's file and the version's line are those of release 2022a; what replaces them is the package tzdata.
"""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import tzdata

from tests.acceptance.moved_clocks import MovedClocks, moved_clocks, needs_compiler
from tests.acceptance.running_daemon import Project, until

pytestmark = [needs_compiler, pytest.mark.long]

ZONE = "America/Mexico_City"
RELEASE_2022A = Path(__file__).with_name("tz-2022a")
STARTS = "SELECT slot_at FROM job_instances WHERE state = 'SUCCEEDED' ORDER BY id"


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2027-04-10T{time}Z")


@pytest.fixture
def clocks(tmp_path: Path) -> MovedClocks:
    """They show six o'clock UTC on a day that is in summer by the older rules."""
    clocks = moved_clocks(tmp_path)
    clocks.is_set(at("06:00"))
    return clocks


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The tz database of the machine, which is to be updated."""
    return Path(shutil.copytree(RELEASE_2022A, tmp_path / "zoneinfo"))


@pytest.fixture
def project(tmp_path: Path, clocks: MovedClocks, database: Path) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    project = Project(folder, {**clocks.environment, "PYTHONTZPATH": str(database)})
    project.job("night", "true", schedule=f'{{cron: "30 2 * * *", timezone: {ZONE}}}')
    return project


def update(database: Path) -> None:
    rules = resources.files("tzdata.zoneinfo").joinpath(ZONE).read_bytes()
    for name, content in ((ZONE, rules), ("tzdata.zi", f"# version {tzdata.IANA_VERSION}\n".encode())):
        new = database / f"{name}.new"
        new.write_bytes(content)
        new.replace(database / name)


def next_start(project: Project) -> Any:
    return json.loads(project.run("schedule", "next", "night", "-n", "1", "-o", "json").stdout)[0]["at"]


MOVED = (
    rf"the tz database went from 2022a to {tzdata.IANA_VERSION}: {ZONE} changed, and starts of 1 job move; "
    "first night: 2027-04-10 07:30Z -> 2027-04-10 08:30Z"
)


@pytest.mark.parametrize("running", [True, False], ids=["under a running daemon", "between two daemons"])
def test_an_update_of_the_tz_database_moves_the_next_starts_and_tells_the_differences(
    project: Project, clocks: MovedClocks, database: Path, running: bool
) -> None:
    kept = f"SELECT 1 FROM zones WHERE name = '{ZONE}' AND version = '2022a'"
    with project.up() as up:
        up.sees("next +night at 07:30:00")
        assert next_start(project) == "2027-04-10T07:30:00.000Z"
        project.until(kept)
        if running:
            update(database)

            def noticed() -> bool:
                clocks.passes(seconds=60)
                return not project.rows(kept)

            until(noticed, "the daemon has looked, as it does each hour")
            up.sees(f"ZONES +{MOVED}")
            goes_on_by_the_new_rules(project, clocks)
    if not running:
        update(database)
        with project.up() as up:
            up.sees(f"ZONES +{MOVED}")
            goes_on_by_the_new_rules(project, clocks)
    [event] = project.rows("SELECT why, before, after, details FROM events WHERE event = 'zone.changed'")
    assert (event["before"], event["after"]) == ("2022a", tzdata.IANA_VERSION)
    moved = json.loads(event["details"])["moved"]
    assert (moved[0]["before"], moved[0]["after"]) == ("2027-04-10T07:30:00.000Z", "2027-04-10T08:30:00.000Z")
    assert len(moved) > 50, "each start of the coming summers"


def goes_on_by_the_new_rules(project: Project, clocks: MovedClocks) -> None:
    assert next_start(project) == "2027-04-10T08:30:00.000Z"
    assert "tz database went from" in project.run("status", check=None).stdout
    told = project.run("jobs", "why", "night", "2027-04-10T02:30").stdout
    assert "it will run at 2027-04-10T02:30:00-06:00" in told
    clocks.is_set(at("08:29:58"))
    project.until(STARTS, holds=lambda rows: [row["slot_at"][11:16] for row in rows] == ["08:30"])
