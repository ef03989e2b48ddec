"""The daemon's session: who runs since when, and the last sign of life."""

from __future__ import annotations

import asyncio
import os

import pytest
from daemons import StandingClock, run_until
from installations import NOW, Installation
from lives import at

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
    monkeypatch.setattr(presence, "BEAT_S", 0.005)
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
