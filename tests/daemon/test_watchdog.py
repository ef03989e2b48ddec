"""A loop that stands still and slots that nobody decides are errors, told once and armed again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from daemons import Daemon, StandingClock, run_until
from installations import NOW, Installation, a_job
from lives import at, set_watermark

from runner.daemon import watchdog
from runner.daemon.presence import Heartbeat, begin_session
from runner.daemon.watchdog import Watchdog
from runner.execution.still import Still
from runner.operations.alarms import alarms
from runner.store.events import EventRecord


class Engine:
    """Says what is overdue, and remembers that it was to read again."""

    def __init__(self) -> None:
        self.late: list[tuple[datetime, str]] = []
        self.rearmed = 0

    def overdue(self, before: datetime) -> list[tuple[datetime, str]]:
        return [each for each in self.late if each[0] < before]

    def rearm(self) -> None:
        self.rearmed += 1


class Watch:
    def __init__(self, here: Installation, loop: asyncio.AbstractEventLoop) -> None:
        self.here, self.loop = here, loop
        self.clock = StandingClock()
        self.session = begin_session(here.store, self.clock, "up")
        self.heart = Heartbeat(loop, here.store, self.clock, self.session)
        self.engine = Engine()
        self.told: list[str] = []
        self.dog = Watchdog(here.store, self.clock, self.heart, self.engine, self.session, self.told.append)

    def events(self) -> list[EventRecord]:
        self.here.store.transact(lambda tx: None)  # what was submitted before is written by then
        with self.here.store.read() as reader:
            return reader.events.of("daemon", str(self.session))[::-1]

    def stop(self) -> None:
        self.dog.stop()
        self.heart.stop()
        run_until(self.loop, lambda: not self.heart._bridge.pending)


@pytest.fixture
def watch(here: Installation, loop: asyncio.AbstractEventLoop) -> Iterator[Watch]:
    it = Watch(here, loop)
    yield it
    it.stop()


def test_a_loop_that_stands_still_is_told_once_with_where_it_is(watch: Watch) -> None:
    watch.clock.passes(minutes=2)
    for _ in range(3):
        watch.dog.look_at_loop()
    [event] = watch.events()
    assert (event.event, event.details["severity"]) == ("watchdog.stall", "error")
    assert event.why.startswith("the loop has not ticked for 2m, and nothing is started meanwhile; it is at ")
    assert any("test_watchdog" in place for place in event.details["stack"])
    assert watch.told == [event.why]


def test_a_loop_that_a_debugger_holds_is_told_with_who_holds_it(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "still_now", lambda pid, thread: Still(pid, True, 4711, "gdb"))
    watch.clock.passes(minutes=2)
    watch.dog.look_at_loop()
    [event] = watch.events()
    assert event.why == (
        "the loop has not ticked for 2m, and nothing is started meanwhile; it is held by a debugger (gdb,"
        " pid 4711); detach the debugger, or: kill 4711"
    )
    with watch.here.store.read() as reader:
        [alarm] = alarms(reader, watch.clock.now())
    assert alarm.hint == "detach the debugger, or: kill 4711"


def test_it_is_armed_again_when_the_loop_ticks(watch: Watch) -> None:
    watch.clock.passes(minutes=3)
    watch.dog.look_at_loop()
    watch.heart.look(beat=True)
    watch.dog.look_at_loop()
    watch.clock.passes(minutes=3)
    watch.dog.look_at_loop()
    assert [event.event for event in watch.events() if event.event.startswith("watchdog")] == [
        "watchdog.stall",
        "watchdog.recovered",
        "watchdog.stall",
    ]


def test_a_machine_that_slept_is_no_loop_that_stands_still(watch: Watch) -> None:
    watch.clock.sleeps(hours=8)
    watch.dog.look_at_loop()
    assert watch.events() == []


def test_a_forgotten_slot_is_told_once_and_everything_is_read_again(watch: Watch) -> None:
    watch.engine.late = [(NOW - timedelta(minutes=5), "report")]
    watch.dog.look_at_slots()
    assert watch.told == []  # it may be decided at this very moment
    for _ in range(3):
        watch.dog.look_at_slots()
    [event] = watch.events()
    assert (event.event, event.details) == ("watchdog.slot", {"severity": "error", "jobs": ["report"]})
    assert event.why == (
        "slots of report were not decided since 2026-11-23 11:55:00Z: everything is read again"
    )
    assert watch.engine.rearmed == 1


def test_the_next_forgotten_slot_is_told_again(watch: Watch) -> None:
    for minutes in (5, 0, 4):
        watch.engine.late = [(NOW - timedelta(minutes=minutes), "report")] if minutes else []
        watch.dog.look_at_slots()
        watch.dog.look_at_slots()
    assert len(watch.told) == 2


def test_a_slot_that_the_engine_has_lost_is_found_and_started(
    here: Installation, a_daemon: Callable[..., Daemon]
) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(here, "tick", at(0))
    up = a_daemon(clock=StandingClock(at(0.1)))
    up.engine._roster._next.clear()  # a fault that nobody has thought of
    up.passes(to=at(1))
    assert up.engine.next_start() is None
    [(_, name)] = up.engine.overdue(at(0.9))
    assert name == "tick"
    up.engine.rearm()
    up.until_heard("finished", (1, "SUCCEEDED", ""))


def test_jobs_that_are_held_or_done_are_not_overdue(
    here: Installation, a_daemon: Callable[..., Daemon]
) -> None:
    here.install(a_job("held", schedule={"every": "1h"}), holds=("operator",))
    here.install(a_job("done", schedule={"at": "2026-01-01T02:00"}), a_job("by-hand", schedule=None))
    up = a_daemon(clock=StandingClock(at(0.1)))
    up.passes(hours=5)
    up.settle()
    assert up.engine.overdue(at(5)) == []
