"""The daemon's session: who runs since when, and the last sign of life."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime

import pytest
from daemons import Daemon, StandingClock, run_until
from installations import NOW, Installation, a_job
from lives import at, set_watermark

from runner.daemon import presence
from runner.daemon.presence import Heartbeat, begin_session


def test_a_session_names_its_process(here: Installation) -> None:
    id = begin_session(here.store, StandingClock(), "up")
    with here.store.read() as reader:
        session = reader.sessions.current_daemon()
    assert session is not None
    assert (session.id, session.kind, session.pid, session.started_at) == (id, "up", os.getpid(), NOW)


def test_a_daemon_that_never_said_goodbye_is_ended_as_lost_by_the_next(here: Installation) -> None:
    first = begin_session(here.store, StandingClock(), "up")
    begin_session(here.store, StandingClock(at(1)), "run")
    with here.store.read() as reader:
        assert reader.sessions.get(first).ended_at is None  # type: ignore[union-attr]
    begin_session(here.store, StandingClock(at(2)), "up")
    with here.store.read() as reader:
        lost = reader.sessions.get(first)
    assert lost is not None
    assert (lost.ended_at, lost.ended_how) == (at(2), "lost")


def test_it_beats_until_it_is_stopped(
    here: Installation, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LOOK_S", 0.005)
    clock = StandingClock()
    id = begin_session(here.store, clock, "up")
    heartbeat = Heartbeat(loop, here.store, clock, id)
    clock.passes(hours=1)

    def beaten() -> bool:
        with here.store.read() as reader:
            session = reader.sessions.get(id)
        return session is not None and session.heartbeat_at == at(1)

    run_until(loop, beaten)
    heartbeat.stop()
    run_until(loop, lambda: not heartbeat._bridge.pending)


def test_a_daemon_whose_clock_is_put_far_back_starts_nothing_until_it_is_right_again(
    here: Installation, a_daemon: Callable[..., Daemon]
) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}))
    set_watermark(here, "tick", at(0))
    up = a_daemon(clock=StandingClock(at(0.5)))
    heard: list[str] = []
    heart = Heartbeat(up.loop, here.store, up.clock, 1, lambda event: heard.append(event.kind))
    up.passes(to=at(1))
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    heart.look(beat=True)
    up.clock.steps(hours=-4)
    heart.look(beat=True)
    up.until(lambda: "backward" in heard)
    up.engine.look()
    assert up.engine.next_start() is None
    assert here.holds("tick") == [("maintenance", "system:clock-step")]
    up.clock.steps(hours=4)
    up.passes(hours=1)
    heart.look(beat=True)
    up.until_heard("finished", (2, "SUCCEEDED", ""))
    assert here.holds("tick") == []
    heart.stop()
    up.until(lambda: not heart._bridge.pending)


def test_what_fell_due_while_the_machine_slept_is_caught_up_by_a_running_daemon(
    here: Installation, a_daemon: Callable[..., Daemon]
) -> None:
    here.install(a_job("tick", schedule={"every": "1h"}, missed={"policy": "last"}))
    set_watermark(here, "tick", at(0))
    up = a_daemon(clock=StandingClock(at(0.5)))
    heart = Heartbeat(up.loop, here.store, up.clock, 1, lambda event: up.engine.look())
    up.clock.sleeps(hours=3)
    heart.look(beat=True)
    up.until_heard("finished", (1, "SUCCEEDED", ""))
    assert here.instance(1).slot_at == at(3)
    with here.store.read() as reader:
        last = reader.presence.last()
    assert last is not None
    assert (last.began_by, last.moved_s) == ("suspend", 10_800)
    heart.stop()
    up.until(lambda: not heart._bridge.pending)


def test_a_machine_that_falls_asleep_between_two_readings_has_stepped_no_clock(
    here: Installation, loop: asyncio.AbstractEventLoop
) -> None:
    class Sleeper(StandingClock):
        """Sleeps once, for eight hours, just after the wall clock was read."""

        tired = False

        def now(self) -> datetime:
            read = super().now()
            if self.tired:
                self.tired = False
                self.sleeps(hours=8)
            return read

    clock = Sleeper()
    heard: list[str] = []
    heart = Heartbeat(
        loop, here.store, clock, begin_session(here.store, clock, "up"), lambda e: heard.append(e.kind)
    )
    clock.tired = True
    heart.look()
    heart.look()
    run_until(loop, lambda: not heart._bridge.pending and bool(heard))
    assert heard == ["suspend"]
    heart.stop()


def test_the_clocks_are_compared_at_each_look_and_written_at_each_beat(
    here: Installation, loop: asyncio.AbstractEventLoop
) -> None:
    clock = StandingClock()
    id = begin_session(here.store, clock, "up")
    heart = Heartbeat(loop, here.store, clock, id)

    def last_sign() -> datetime:
        with here.store.read() as reader:
            session = reader.sessions.get(id)
        assert session is not None
        return session.heartbeat_at

    for seconds, sign in ((9, 0), (1, 10), (9, 10), (1, 20)):
        clock.passes(seconds=seconds)
        heart.look()
        run_until(loop, lambda: not heart._bridge.pending)
        assert last_sign() == at(seconds=sign)
    heart.stop()
