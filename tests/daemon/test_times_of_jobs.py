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


def test_a_long_queue_is_worked_off_in_order_and_only_its_first_is_asked(
    here: Installation, a_daemon: Start
) -> None:
    here.install(a_job("tick", schedule=None, concurrency={"policy": "queue"}))
    up = a_daemon(parallel=3)
    ids = [up.trigger("tick", key=str(number)) for number in range(8)]
    up.until_heard("finished", (ids[-1], "SUCCEEDED", ""))
    assert up.heard.of("started") == ids


def test_a_start_that_is_forced_passes_those_that_wait(here: Installation, a_daemon: Start) -> None:
    gate = here.state / "gate"
    steps = [{"name": "run", "shell": f"until [ -e {gate} ]; do sleep 0.01; done"}]
    here.install(a_job("tick", schedule=None, concurrency={"policy": "queue"}, steps=steps))
    up = a_daemon()
    first, second = up.trigger("tick", key="a"), up.trigger("tick", key="b")
    up.until_heard("started", first)
    forced = up.trigger("tick", key="c", force=True)
    up.until_heard("started", forced)
    assert here.instance(second).state == "SCHEDULED"
    gate.touch()
    up.until_heard("finished", (second, "SUCCEEDED", ""))


def test_of_two_jobs_with_one_lock_the_second_starts_when_the_first_has_ended(
    here: Installation, a_daemon: Start
) -> None:
    alone = here.state / "alone"
    steps = [{"name": "run", "shell": f"mkdir {alone} && rmdir {alone}"}]
    for name in ("load", "clean"):
        here.install(
            a_job(name, schedule=None, locks=["warehouse"], concurrency={"policy": "allow"}, steps=steps)
        )
    up = a_daemon()
    ids = [up.trigger(name, key=f"{name}{number}") for number in range(3) for name in ("load", "clean")]
    for id in ids:
        up.until_heard("finished", (id, "SUCCEEDED", ""))
    assert up.heard.of("started") == ids, "first due, first served"
