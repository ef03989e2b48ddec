"""What the passing of time does to jobs and what waits, in a running daemon."""

from __future__ import annotations

from collections.abc import Callable

from daemons import Daemon, StandingClock
from installations import Installation, a_job
from lives import at, set_watermark

from runner.vocabulary.instants import to_text

Start = Callable[..., Daemon]


def test_a_job_is_held_at_its_end_date_and_starts_no_more(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}, validUntil=to_text(at(1.5))))
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(0.6)))
    up.passes(to=at(1))
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    up.passes(to=at(1.5))
    up.until(lambda: here.holds("tick") == [("expired", "system:clock")])
    up.engine.look()
    assert up.engine.next_start() is None


def test_a_retry_of_what_was_caught_up_is_not_stuck_behind_the_next_one(
    here: Installation, a_daemon: Start
) -> None:
    """Both wait for each other when the retry queues up behind the younger slot."""
    file = here.state / "once"
    script = f"test -e {file} || {{ touch {file}; exit 1; }}"
    steps = [{"name": "run", "shell": script}]
    here.install(
        a_job("tick", schedule={"every": "1h"}, missed={"policy": "all"}, retry="backoff", steps=steps)
    )
    set_watermark(here, "tick", at(0.5))
    up = a_daemon(clock=StandingClock(at(2.5)))
    up.until_heard("finished", (1, "SCHEDULED", "retry"))
    up.passes(minutes=2)
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    up.until_heard("finished", (2, "SUCCEEDED", ""))
