"""Where cronsim and Debian's cron start otherwise than we do; computes the table in docs/schedules.md."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from debian_cron import starts
from zone_proof import ZONES, changes

from runner.schedules.kinds import schedule_from

DOCS = Path(__file__).parents[2] / "docs" / "schedules.md"
HEAD = "| expression | zone | from | we start | cronsim | Debian cron |"


class Case(NamedTuple):
    cron: str
    zone: str
    after: str
    hours: int


CASES = (
    Case("0 */2 * * *", "Europe/Berlin", "2026-03-29T01:30", 3),
    Case("0 */2 * * *", "Europe/Berlin", "2026-10-25T01:30", 3),
    Case("*/30 2 * * *", "Europe/Berlin", "2026-10-25T01:30", 3),
    Case("30 0-23 * * *", "Europe/Berlin", "2026-03-29T01:00", 2),
    Case("30 0-23 * * *", "Europe/Berlin", "2026-10-25T02:00", 2),
    Case("0,30 2 * * *", "Europe/Berlin", "2026-03-29T01:30", 3),
    Case("0 */2 * * *", "Australia/Lord_Howe", "2026-04-05T01:45", 2),
    Case("0 14 * * *", "Pacific/Apia", "2011-12-29T20:00", 14),
    Case("0 0 */2 * 1", "Europe/Berlin", "2026-11-02T12:00", 24),
    Case("0 2 * * *", "Europe/Berlin", "2026-03-29T00:30", 4),
    Case("30 * * * *", "Europe/Berlin", "2026-10-25T02:00", 2),
)


def ours(cron: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    return [slot.at for slot in schedule_from({"cron": cron, "timezone": zone}).between(after, until)]


def theirs(cron: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    for at in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        if at > until:
            break
        found.append(at.astimezone(UTC))
    return found


def told(instants: list[datetime], zone: str) -> str:
    """`02:00+02 02:00+01`; `2x 03:00+02` for two starts at one instant; the day where it is not the first."""
    place, words = ZoneInfo(zone), []
    for at in dict.fromkeys(instants):
        offset = f"{at.astimezone(place):%z}"
        short = offset.removesuffix("00") if offset.endswith("00") else f"{offset[:3]}:{offset[3:]}"
        times = f"{instants.count(at)}x " if instants.count(at) > 1 else ""
        words.append(f"{times}{at.astimezone(place):%H:%M}{short}")
    return ", ".join(words) or "never"


def row(case: Case) -> str:
    after = datetime.fromisoformat(case.after).replace(tzinfo=ZoneInfo(case.zone)).astimezone(UTC)
    after, until = after - timedelta(minutes=1), after + timedelta(hours=case.hours)
    answers = (
        ours(case.cron, case.zone, after, until),
        theirs(case.cron, case.zone, after, until),
        list(starts(case.cron, ZoneInfo(case.zone), after, until)),
    )
    cells = (
        f"`{case.cron}`",
        case.zone,
        case.after.replace("T", " "),
        *(told(a, case.zone) for a in answers),
    )
    return f"| {' | '.join(cells)} |"


def test_the_table_in_the_documentation_is_what_the_three_really_do() -> None:
    lines = DOCS.read_text("utf-8").splitlines()
    first = lines.index(HEAD) + 2
    table = [line for line in lines[first : first + len(CASES) + 1] if line.startswith("|")]
    assert table == [row(case) for case in CASES]


@pytest.mark.parametrize("cron", ["30 2 * * *", "0,59 0,1,2,3,23 * * *", "30 22,23,0,1 * * *", "0 * * * *"])
def test_without_a_star_that_means_several_hours_cronsim_starts_when_we_do(cron: str) -> None:
    for zone in ZONES:
        for change in changes(zone)[-6:]:
            span = change - timedelta(hours=30), change + timedelta(hours=30)
            assert theirs(cron, zone, *span) == ours(cron, zone, *span)
