"""R12: a stable delay."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from runner.schedules.jitter import jitter_for

FIVE_MINUTES = timedelta(minutes=5)


def test_jitter_is_the_same_at_every_start_of_a_job_on_an_installation() -> None:
    assert jitter_for("job-1", "here", FIVE_MINUTES) == jitter_for("job-1", "here", FIVE_MINUTES)


def test_jitter_spreads_jobs_and_installations() -> None:
    delays = {jitter_for(f"job-{n}", place, FIVE_MINUTES) for n in range(200) for place in ("here", "there")}
    assert len(delays) > 390
    assert min(delays) < timedelta(seconds=15)
    assert max(delays) > timedelta(minutes=4, seconds=45)


@given(st.text(), st.text(), st.timedeltas(timedelta(0), timedelta(days=2)))
def test_jitter_stays_below_what_was_declared(job: str, installation: str, jitter: timedelta) -> None:
    delay = jitter_for(job, installation, jitter)
    assert timedelta(0) <= delay
    assert delay < jitter or jitter == timedelta(0)


def test_no_jitter_is_no_delay() -> None:
    assert jitter_for("job-1", "here", timedelta(0)) == timedelta(0)
