"""Due slots become decisions: each schedule for itself, and only what the database knows too."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from daemons import StandingClock, locked, run_until
from installations import NOW, Installation, a_job
from lives import at, set_watermark, slots

from runner.daemon import scheduler as room
from runner.daemon.bridge import Bridge
from runner.daemon.roster import Roster
from runner.daemon.scheduler import Scheduler
from runner.operations.decide_slots import Decided, decide_slots
from runner.store.open import open_store
from runner.vocabulary.identity import Address


class Desk:
    def __init__(self, here: Installation, loop: asyncio.AbstractEventLoop) -> None:
        self.here = here
        self.loop = loop
        self.clock = StandingClock(at(0.5))
        self.roster = Roster()
        self.heard: list[str] = []
        self.troubles: list[tuple[str, str]] = []
        self.bridge = Bridge(loop, here.store)
        self.scheduler = Scheduler(
            self.bridge,
            self.clock,
            self.roster,
            ready=lambda: self.heard.append("ready"),
            changed=lambda: self.heard.append("changed"),
            stale=lambda: self.heard.append("stale"),
            later=loop.call_later,
            trouble=lambda doing, problem: self.troubles.append((doing, str(problem))),
        )

    def load(self) -> None:
        with self.here.store.read() as reader:
            self.roster.load(reader, self.here.store.installation_id, self.clock.now())

    def tick(self) -> None:
        """Until nothing more is under way."""
        self.scheduler.tick()

        def idle() -> bool:
            return not (self.bridge.pending or self.scheduler._under_way or self.scheduler._going_on)

        run_until(self.loop, idle)


@pytest.fixture
def desk(here: Installation, loop: asyncio.AbstractEventLoop) -> Desk:
    here.store.close()
    here.store = open_store(here.path, busy_timeout_s=0.01)
    return Desk(here, loop)


def hourly(here: Installation, *names: str) -> None:
    for name in names:
        here.install(a_job(name, schedule={"every": "1h"}))
        set_watermark(here, name, at(0.5))


def test_everything_that_is_due_is_decided_in_one_go(desk: Desk) -> None:
    hourly(desk.here, *(f"j{n:02}" for n in range(40)))
    desk.load()
    desk.clock.passes(to=at(1))
    desk.tick()
    assert all(len(slots(desk.here, f"j{n:02}")) == 1 for n in range(40))
    assert "ready" in desk.heard
    assert desk.scheduler.next_at() == at(2)


def test_nothing_due_is_nothing_written(desk: Desk) -> None:
    hourly(desk.here, "a")
    desk.load()
    desk.scheduler.tick()
    assert desk.bridge.pending == 0


def test_a_schedule_that_cannot_be_decided_is_in_nobodys_way(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly(desk.here, "a", "b", "c")
    desk.load()
    real = room.decide_slots

    def decide_slots(tx: Any, job: Any, named: Any, now: Any) -> Any:
        if job.name == "b":
            raise ValueError("a zone that nobody knows")
        return real(tx, job, named, now)

    monkeypatch.setattr(room, "decide_slots", decide_slots)
    desk.clock.passes(to=at(1))
    desk.tick()
    assert [len(slots(desk.here, name)) for name in "abc"] == [1, 0, 1]
    assert desk.troubles == [("deciding the slots of b", "a zone that nobody knows")]
    assert desk.scheduler.next_at() == at(1) + room.PAUSE, "it is tried again, but not at once"
    monkeypatch.undo()
    desk.clock.passes(seconds=10)
    desk.tick()
    assert len(slots(desk.here, "b")) == 1


def test_a_locked_database_is_told_and_the_slots_are_decided_later(desk: Desk) -> None:
    hourly(desk.here, "a", "b")
    desk.load()
    desk.clock.passes(to=at(1))
    with locked(desk.here):
        desk.tick()
    [(doing, _)] = desk.troubles
    assert doing == "deciding the slots of a"
    desk.clock.passes(seconds=10)
    desk.tick()
    assert [len(slots(desk.here, name)) for name in "ab"] == [1, 1]


def test_nothing_is_decided_by_a_roster_that_is_out_of_date(desk: Desk) -> None:
    """What was applied a moment ago may have changed the schedule, or removed the job."""
    hourly(desk.here, "a")
    desk.load()
    desk.here.store.transact(
        lambda tx: tx.set_serial(
            0, source="jobs.d", tree_digest="t", commit=None, branch=None, dirty=False, at=NOW, who="x"
        )
    )
    desk.clock.passes(to=at(1))
    desk.tick()
    assert (slots(desk.here, "a"), desk.heard) == ([], ["stale", "changed"])
    desk.load()
    desk.tick()
    assert len(slots(desk.here, "a")) == 1


def test_nothing_is_decided_when_the_roster_is_loaded_anew_before_it_is_written(desk: Desk) -> None:
    hourly(desk.here, "a")
    desk.load()
    desk.clock.passes(to=at(1))

    def removed(tx: Any) -> None:
        record = tx.objects.get(Address("Job", "a"))
        tx.objects.remove(record.uid, expected_digest=record.digest, at=NOW, who="x")
        tx.set_serial(
            0, source="jobs.d", tree_digest="t", commit=None, branch=None, dirty=False, at=NOW, who="x"
        )

    desk.bridge.write(removed, lambda _, problem: desk.load())
    run_until(desk.loop, lambda: not desk.bridge._leaving)
    desk.tick()
    assert (desk.troubles, desk.heard) == ([], ["stale", "changed"])


def test_a_stopped_scheduler_decides_nothing_and_waits_for_nothing(desk: Desk) -> None:
    hourly(desk.here, "a")
    desk.load()
    desk.scheduler.stopped = True
    desk.clock.passes(to=at(1))
    desk.tick()
    assert (slots(desk.here, "a"), desk.scheduler.next_at()) == ([], None)


def test_a_clock_that_goes_back_repeats_nothing_and_goes_on(desk: Desk) -> None:
    hourly(desk.here, "a")
    desk.load()
    desk.clock.passes(to=at(2))
    desk.tick()
    desk.clock.passes(to=at(0.9))
    desk.tick()
    desk.clock.passes(to=at(2))
    desk.tick()
    decided = len(slots(desk.here, "a"))
    desk.clock.passes(to=at(3))
    desk.tick()
    assert (decided, len(slots(desk.here, "a"))) == (2, 3)


@pytest.mark.parametrize(("late_h", "on_the_loop"), [(0.0, True), (2.0, False)])
def test_slots_that_were_due_long_ago_are_decided_beside_the_loop(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, late_h: float, on_the_loop: bool
) -> None:
    """There may be thousands of them."""
    hourly(desk.here, "a")
    desk.load()
    desk.bridge.write(lambda tx: None, lambda result, problem: None)
    run_until(desk.loop, lambda: not desk.bridge.pending)  # the writer has its connection
    threads: list[threading.Thread] = []

    def noted(*given: Any) -> Decided:
        threads.append(threading.current_thread())
        return decide_slots(*given)

    monkeypatch.setattr(room, "decide_slots", noted)
    desk.clock.passes(to=at(1 + late_h))
    desk.tick()
    assert [thread is threading.current_thread() for thread in threads] == [on_the_loop]
