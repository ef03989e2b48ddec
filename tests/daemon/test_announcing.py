"""What `up` prints of a run that ended while it waited."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from daemons import StandingClock
from installations import NOW, Installation, a_job

from runner.cli.views.announcer import Announcer
from runner.operations.outcome import Finished, NotStarted
from runner.vocabulary.errors import StoreUnavailable


def test_a_job_that_is_held_because_a_run_expired_is_told() -> None:
    out = io.StringIO()
    announcer = Announcer(StandingClock().now, out, io.StringIO())
    announcer.not_started(NotStarted(7, "report", "FAILED", "expired", job_failed=True))
    first, second = out.getvalue().splitlines()
    assert first.split()[1:] == ["FAILED", "report", "#7", "expired"]
    assert second.endswith("report starts no more; after mending it: runner jobs reset report")
    assert (announcer.failed, announcer.others) == (1, 0)


@pytest.mark.parametrize(
    ("origin", "trigger", "rerun_of", "said"),
    [
        ("slot", {}, None, f"slot {NOW.astimezone():%H:%M:%S}"),
        ("manual", {"by": "ana"}, None, "manual"),
        ("manual", {"for_slot": "k"}, None, f"manual for slot {NOW.astimezone():%H:%M:%S}"),
        ("rerun", {}, 41, "rerun of #41"),
        ("job", {"earlier": True}, None, "job"),
    ],
)
def test_a_start_says_why_it_is_one(
    here: Installation, origin: str, trigger: dict[str, object], rerun_of: int | None, said: str
) -> None:
    """A start by hand knows the latest slot, for its expressions; it is not started for that."""
    here.install(a_job("report"))
    run = here.instance(here.run("report"))._replace(
        origin=origin, trigger=trigger, rerun_of=rerun_of, slot_at=NOW
    )
    out = io.StringIO()
    Announcer(StandingClock().now, out, io.StringIO()).started(run)
    assert out.getvalue().rstrip().endswith(f"start      report #1  {said}")


def test_a_slot_of_another_day_comes_with_its_day(here: Installation) -> None:
    here.install(a_job("report"))
    run = here.instance(here.run("report"))._replace(origin="slot")
    out = io.StringIO()
    announcer = Announcer(StandingClock().now, out, io.StringIO())
    for days in (1, 366):
        announcer.started(run._replace(slot_at=NOW - timedelta(days=days)))
    announcer.finished(run, Finished(1, "report", "SCHEDULED", "retry", NOW + timedelta(days=2), None), None)
    local = NOW.astimezone()
    first, second, third = out.getvalue().splitlines()
    assert first.endswith(f"slot {local - timedelta(days=1):%a %d %b %H:%M:%S}")
    assert second.endswith(f"slot {local - timedelta(days=366):%a %d %b %Y %H:%M:%S}")
    assert third.endswith(f"next try {local + timedelta(days=2):%a %d %b %H:%M:%S}")


def test_a_skipped_start_is_no_failure() -> None:
    out = io.StringIO()
    announcer = Announcer(StandingClock().now, out, io.StringIO())
    announcer.not_started(NotStarted(7, "report", "SKIPPED", "overlap: 6"))
    assert out.getvalue().split()[1:] == ["skipped", "report", "#7", "overlap:", "6"]
    assert (announcer.failed, announcer.others) == (0, 1)


def test_what_went_wrong_is_a_sentence_and_only_what_is_none_has_the_name_of_its_class() -> None:
    err = io.StringIO()
    announcer = Announcer(StandingClock().now, io.StringIO(), err)
    announcer.trouble("deciding the slots of hello", StoreUnavailable("The disk of /x is full"))
    announcer.trouble("deciding the slots of hello", KeyError("a"))
    assert err.getvalue().splitlines() == [
        "error while deciding the slots of hello: The disk of /x is full",
        "error while deciding the slots of hello: KeyError: 'a'",
    ]
