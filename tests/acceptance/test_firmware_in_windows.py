"""The example of firmware in night windows, with a real daemon: closed, killed and opened again."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Project

EXAMPLE = Path(__file__).parents[2] / "examples" / "firmware-window"
NOW = datetime.now(UTC)
METERS = 40
AT_THE_CLOSE, AT_THE_KILL = 8, 20
"""After so many meters the next ones wait, once they have begun, until the test lets them go on."""


@pytest.fixture
def district(tmp_path: Path) -> Project:
    """The example with fewer meters, four at a time, of which some wait for the test."""
    shutil.copytree(EXAMPLE / "jobs.d", tmp_path / "jobs.d")
    meters = tmp_path / "jobs.d" / "meters.csv"
    meters.write_text("".join(meters.read_text().splitlines(keepends=True)[: METERS + 1]))
    job = tmp_path / "jobs.d" / "flash-firmware.yaml"
    job.write_text(job.read_text().replace("parallel: 20", "parallel: 4"))
    code = tmp_path / "jobs.d" / "code" / "flash_firmware.py"
    gate = (
        "number = int(self.metadata.target[-3:])\n"
        f"        gates = [at for at in ({AT_THE_CLOSE}, {AT_THE_KILL}) if number > at]\n"
        f"        while not all(Path({str(tmp_path)!r}, str(at)).exists() for at in gates):\n"
        "            time.sleep(0.01)"
    )
    text = code.read_text().replace("import time", "import time\nfrom pathlib import Path")
    code.write_text(text.replace('time.sleep(self.params["pause_s"])', gate))
    return Project(tmp_path)


def declare(project: Project, *, open_now: bool) -> None:
    """The windows of the range that began yesterday: all day, or on a day that is not today or tomorrow."""
    day = "mon-sun" if open_now else f"{NOW + timedelta(days=3):%a}".lower()
    begin, end = f"{NOW - timedelta(days=1):%Y-%m-%d}", f"{NOW + timedelta(days=20):%Y-%m-%d}"
    project.declare(
        "nights.yaml",
        f"""\
        apiVersion: jobs.runner/v1
        kind: Schedule
        metadata: {{name: nights}}
        spec:
          window:
            {{from: "{begin}", to: "{end}", start: "00:00", end: "24:00", weekdays: [{day}]}}
        """,
    )


def ended(project: Project, many: int) -> None:
    project.until("SELECT 1 FROM tasks WHERE state = 'SUCCEEDED'", holds=lambda rows: len(rows) >= many)


def is_in(project: Project, state: str) -> None:
    project.until("SELECT state FROM job_instances", holds=lambda rows: rows == [{"state": state}])


def test_what_is_left_at_the_close_goes_on_in_the_next_window_also_after_a_kill(district: Project) -> None:
    declare(district, open_now=True)
    with district.up() as up:
        ended(district, AT_THE_CLOSE)
        declare(district, open_now=False)
        is_in(district, "PAUSING")
        up.sees(r"window +flash-firmware #1  its window is closed: it pauses as soon as it can; \d+ of 40 ")
        (district.folder / str(AT_THE_CLOSE)).touch()
        is_in(district, "PAUSED")
        up.sees(r"paused +flash-firmware #1 .*its window is closed")
        left = district.rows("SELECT state, count(*) AS many FROM tasks GROUP BY state ORDER BY state")
        assert left == [{"state": "SCHEDULED", "many": 28}, {"state": "SUCCEEDED", "many": 12}]
        assert "window_closed" in district.run("jobs", "list").stdout
        assert "its window to open at" in district.run("instances", "show", "1").stdout
        up.kill()
    with district.up() as up:  # while it is closed: nothing starts
        up.sees("next +flash-firmware at")
        is_in(district, "PAUSED")
        declare(district, open_now=True)
        ended(district, AT_THE_KILL)
        district.until("SELECT 1 FROM tasks WHERE state = 'RUNNING'", holds=lambda rows: len(rows) == 4)
        up.kill()
    (district.folder / str(AT_THE_KILL)).touch()
    with district.up():
        is_in(district, "SUCCEEDED")
        district.until("SELECT kind FROM holds", holds=lambda rows: rows == [{"kind": "finished"}])
    logs = sorted((district.state / "logs" / "flash-firmware" / "1").glob("meter-*.log"))
    assert [log.read_text().count(" is on meter-") for log in logs] == [3] * METERS, "each block once"
