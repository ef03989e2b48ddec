"""When the engine looks at what is: at its time, when somebody has written, and soon after it could not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from daemons import Daemon, StandingClock, shell, waits_for
from installations import ANA, NOW, Installation, a_job
from lives import at, set_watermark, slots

from runner.daemon import looking
from runner.operations.cancel import cancel_instances
from runner.operations.enable import enable_jobs

Start = Callable[..., Daemon]


def test_a_frequent_job_goes_on_while_another_runs_for_long(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    """Its timer is armed anew by its own decisions, and not only when somebody knocks."""
    here.install(a_job("long", schedule=None, steps=waits_for(tmp_path / "go")))
    here.install(a_job("tick", schedule={"every": "1s"}))
    from runner.daemon.clock import SystemClock

    class Real(StandingClock):
        def now(self) -> Any:
            return SystemClock().now()

    up = a_daemon(clock=Real())
    long = up.trigger("long")
    up.until_running(long)
    up.until(lambda: len(up.heard.of("finished")) >= 3)
    (tmp_path / "go").touch()
    up.until_ended(long)


def test_a_retry_is_due_at_its_time(here: Installation, a_daemon: Start, tmp_path: Path) -> None:
    retry = {"initial": "10m", "maxAttempts": 2}
    here.install(a_job("bad", schedule=None, steps=shell(f"[ -e {tmp_path}/mended ]"), retry=retry))
    up = a_daemon()
    id = up.trigger("bad")
    up.until_heard("finished", (id, "SCHEDULED", "retry"))
    (tmp_path / "mended").touch()
    up.passes(minutes=9)
    up.passes(minutes=1)
    assert up.until_ended(id).state == "SUCCEEDED"
    assert here.instance(id).attempt == 2


def test_a_deadline_ends_a_run_under_way(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("long", schedule=None, steps=shell("sleep 600"), deadline="1s"))
    up = a_daemon()
    id = up.trigger("long")
    up.until_running(id)
    up.clock.passes(seconds=1)
    run = up.until_ended(id)
    assert (run.state, run.reason) == ("FAILED", "expired")


def test_a_hold_ends_by_itself_and_fires_no_slot_of_its_time(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "all"}))
    set_watermark(here, "tick", NOW)
    here.hold("tick", "operator", until=at(2.5))
    up = a_daemon()
    up.passes(to=at(2))
    assert up.engine.next_start() is None
    up.passes(to=at(2.5))
    up.until(lambda: up.engine.next_start() == (at(3), "tick"))
    assert here.holds("tick") == []
    up.passes(to=at(3))
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    assert here.instance(1).slot_at == at(3)


def test_enabling_is_noticed_at_once(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}), holds=("operator",))
    set_watermark(here, "tick", at(-5))
    up = a_daemon()
    assert up.engine.next_start() is None
    here.store.transact(lambda tx: enable_jobs(tx, ["tick"], actor=ANA, reason="", now=NOW))
    up.until(lambda: up.engine.next_start() == (at(1), "tick"))  # by the database's file alone
    assert up.heard.of("started") == []


def test_a_database_that_cannot_be_read_for_a_moment_is_told_of_and_read_again(
    here: Installation, a_daemon: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LONGEST_SLEEP", timedelta(seconds=0.05))
    monkeypatch.setattr(looking, "BUSY_S", 0.05)
    here.install(a_job("work", schedule=None))
    up = a_daemon()
    up.settle()
    up.engine._wake_ups.stop()  # from now on it looks when its own time has come only
    with monkeypatch.context() as broken:

        def read() -> Any:
            raise OSError("the disk does not answer")

        broken.setattr(here.store, "read", read)
        up.clock.passes(seconds=1)
        assert up.until_heard("trouble") == ("reading the database", "the disk does not answer")
    assert up.until_ended(here.run("work")).state == "SUCCEEDED"


def damaged(here: Installation, id: int, inputs: str = "{") -> str:
    """The run's row cannot be read from now on, or again; what stood there."""
    with sqlite3.connect(here.path) as other:
        [(was,)] = other.execute("SELECT inputs FROM job_instances WHERE id = ?", (id,)).fetchall()
        other.execute("UPDATE job_instances SET inputs = ? WHERE id = ?", (inputs, id))
    other.close()
    return str(was)


def late(here: Installation, name: str) -> int:
    """A start that came too late, which every look reads."""
    id = here.run(name, due_at=at(-2))
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE job_instances SET start_deadline = due_at WHERE id = ?", (id,))
    other.close()
    return id


def test_after_a_look_that_failed_the_next_is_at_everything_and_soon(
    here: Installation, a_daemon: Start, tmp_path: Path
) -> None:
    here.install(a_job("long", schedule=None, steps=waits_for(tmp_path / "go")), a_job("late", schedule=None))
    up = a_daemon()
    long = up.trigger("long")
    up.until_running(long)
    id = late(here, "late")
    was = damaged(here, id)
    here.store.transact(lambda tx: cancel_instances(tx, [long], actor=ANA, reason="", now=NOW))
    up.engine.look()
    assert [doing for doing, _ in up.heard.of("trouble")] == ["reading the database"]
    damaged(here, id, was)
    assert up.until_ended(long).state == "CANCELLED"  # and no time has passed by the clock


def test_a_look_that_fails_keeps_no_slot_from_being_decided(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}), a_job("late", schedule=None))
    set_watermark(here, "tick", at(0.5))
    id = late(here, "late")
    was = damaged(here, id)
    up = a_daemon(clock=StandingClock(at(0.6)))
    up.passes(to=at(1))
    up.until(lambda: len(slots(here, "tick")) == 1)
    damaged(here, id, was)
    up.until_heard("finished")


def test_what_a_look_that_failed_was_to_tell_is_told_by_the_next(here: Installation, a_daemon: Start) -> None:
    here.install(a_job("broken", schedule={"every": "1h"}), a_job("late", schedule=None))
    with sqlite3.connect(here.path) as other:
        other.execute("UPDATE revisions SET resolved = '{}' WHERE object_uid = ?", (here.uid("broken"),))
    other.close()
    id = late(here, "late")
    was = damaged(here, id)
    up = a_daemon()
    damaged(here, id, was)
    up.engine.look()
    told = [doing for doing, _ in up.heard.of("trouble")]
    assert told == ["reading the database", "reading Job/broken, which starts no more by itself"]


def test_whoever_applies_something_is_heard_of_once(here: Installation, a_daemon: Start) -> None:
    """A command, a rollback, another source: none of them goes through what the daemon itself applies."""
    heard: list[int] = []
    here.install(a_job("a", schedule=None))
    up = a_daemon()
    up.engine.tell_of_applies(lambda: heard.append(len(heard)))
    here.hold("a", "operator")
    up.engine.look()
    assert heard == [0], "as it is now, and not for a hold"
    here.store.transact(
        lambda tx: tx.set_serial(
            0, source="jobs.d", tree_digest="t", commit=None, branch=None, dirty=False, at=NOW, who="ana"
        )
    )
    up.until(lambda: heard == [0, 1])  # by the database's file alone
    up.engine.look()
    assert heard == [0, 1]
