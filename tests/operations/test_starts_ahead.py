"""The starts of all jobs in the days to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from installations import ANA, NOW, Installation, a_job, an_object
from lives import at

from runner.operations import starts_ahead as module
from runner.operations.skip_jobs import skip_jobs
from runner.operations.starts_ahead import Ahead, starts_ahead

BERLIN = "Europe/Berlin"


def ahead(here: Installation, days: float = 3, after: datetime = NOW) -> Ahead:
    with here.store.read() as reader:
        return starts_ahead(reader, after=after, until=after + timedelta(days=days), installation_id="i")


def told(found: Ahead) -> list[tuple[str, str]]:
    return [(f"{start.slot.at:%d %H:%M}", start.job) for start in found.starts]


def test_the_starts_of_all_jobs_come_in_order(here: Installation) -> None:
    here.install(
        a_job("b", schedule="0 2 * * *"), a_job("a", schedule="0 2 * * *"), a_job("c", schedule="0 1 25 * *")
    )
    here.install(a_job("by-hand", schedule=None))
    assert told(ahead(here)) == [
        ("24 02:00", "a"), ("24 02:00", "b"), ("25 01:00", "c"), ("25 02:00", "a"), ("25 02:00", "b"),
        ("26 02:00", "a"), ("26 02:00", "b"),
    ]  # fmt: skip


def test_holds_and_end_dates_are_obeyed(here: Installation) -> None:
    here.install(a_job("held"), holds=("operator",))
    here.install(a_job("back", schedule="0 2 * * *"), a_job("ends", validUntil="2026-11-25"))
    here.hold("back", "operator", until=at(40))
    found = ahead(here)
    assert told(found) == [("24 02:00", "ends"), ("25 02:00", "ends"), ("26 02:00", "back")]
    assert [(held.job, held.until) for held in found.held] == [("back", at(40)), ("held", None)]


def test_who_starts_often_is_counted(here: Installation) -> None:
    here.install(a_job("beat", schedule={"every": "10m"}))
    found = ahead(here, days=2)
    assert found.starts == ()
    [often] = found.often
    assert (often.job, often.count, often.whole) == ("beat", 288, True)


def test_changes_of_the_clocks_are_told_for_the_zones_in_use(here: Installation) -> None:
    here.install(a_job("night", schedule={"cron": "30 2 * * *", "timezone": BERLIN}))
    found = ahead(here, days=2, after=datetime(2027, 3, 27, 12, tzinfo=UTC))
    assert [(zone, change.kind) for zone, change in found.changes] == [(BERLIN, "gap")]
    assert found.starts[0].slot.marks == ("gap",)


def test_a_start_that_an_operator_skipped_is_marked_and_waits_for_nobody(here: Installation) -> None:
    here.install(*(a_job(name, schedule="0 2 * * *") for name in ("a", "b")))
    here.install(an_object("Runner", "runner", {"parallel": 1}))
    here.store.transact(lambda tx: skip_jobs(tx, ["b"], actor=ANA, reason="", now=NOW))
    found = ahead(here, days=2)
    assert [(each.job, each.slot.marks) for each in found.starts] == [
        ("a", ()), ("b", ("skipped",)), ("a", ()), ("b", ()),
    ]  # fmt: skip
    assert [f"{crowd.at:%d}" for crowd in found.crowds] == ["25"]


def test_pile_ups_are_found_in_parts_of_the_time_as_in_the_whole(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.install(
        *(a_job(f"job-{n}", schedule={"every": f"{7 + n}m", "jitter": "5m"}) for n in range(6)),
        *(a_job(f"night-{n}", schedule="0 2 * * *") for n in range(9)),
    )
    whole = ahead(here)
    monkeypatch.setattr(module, "IN_MEMORY", 10)
    assert ahead(here) == whole
    assert whole.crowds != ()


def test_of_very_many_starts_the_first_are_looked_at_for_pile_ups(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.install(*(a_job(f"job-{n}", schedule={"every": "1m"}) for n in range(6)))
    whole = ahead(here, days=1)
    assert whole.looked_until == whole.until
    monkeypatch.setattr(module, "MOST_EXPECTED", 864)
    found = ahead(here, days=1)
    assert found.looked_until == found.after + timedelta(hours=2.4)
    assert found.crowds[0] == whole.crowds[0]
    assert all(crowd.at <= found.looked_until for crowd in found.crowds)


def test_more_starts_than_places_pile_up(here: Installation) -> None:
    here.install(an_object("Runner", "runner", {"parallel": 2, "timezone": BERLIN}))
    here.install(*(a_job(f"job-{n}", schedule="0 2 * * *") for n in range(5)))
    found = ahead(here, days=1)
    assert (found.parallel, found.zone.key) == (2, BERLIN)
    [crowd] = found.crowds
    assert (crowd.waiting, crowd.jobs) == (3, ("job-2", "job-3", "job-4"))


def test_jitter_spreads_them(here: Installation) -> None:
    spread: dict[str, Any] = {"cron": "0 2 * * *", "jitter": "4h"}
    here.install(an_object("Runner", "runner", {"parallel": 1}))
    here.install(*(a_job(f"job-{n}", schedule=spread) for n in range(3)))
    found = ahead(here, days=1)
    assert found.crowds == ()
    assert all(start.due_at > start.slot.at for start in found.starts)
