"""What `up` prints of a run that ended while it waited."""

from __future__ import annotations

import io

from daemons import StandingClock

from runner.cli.views.announcer import Announcer
from runner.operations.outcome import NotStarted


def test_a_job_that_is_held_because_a_run_expired_is_told() -> None:
    out = io.StringIO()
    announcer = Announcer(StandingClock().now, out, io.StringIO())
    announcer.not_started(NotStarted(7, "report", "FAILED", "expired", job_failed=True))
    first, second = out.getvalue().splitlines()
    assert first.split()[1:] == ["FAILED", "report", "#7", "expired"]
    assert second.endswith("report starts no more; after mending it: runner jobs reset report")
    assert (announcer.failed, announcer.others) == (1, 0)


def test_a_skipped_start_is_no_failure() -> None:
    out = io.StringIO()
    announcer = Announcer(StandingClock().now, out, io.StringIO())
    announcer.not_started(NotStarted(7, "report", "SKIPPED", "overlap: 6"))
    assert out.getvalue().split()[1:] == ["skipped", "report", "#7", "overlap:", "6"]
    assert (announcer.failed, announcer.others) == (0, 1)
