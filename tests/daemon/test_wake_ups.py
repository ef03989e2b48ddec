"""A knock wakes the daemon at once, however long the path is; the file's change wakes it too."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from daemons import run_until

from runner.daemon import wake_ups as room
from runner.daemon.wake_ups import WakeUps
from runner.operations.wake import wake_daemon


class Desk:
    def __init__(self, loop: asyncio.AbstractEventLoop, state: Path) -> None:
        self.state = state
        self.loop = loop
        self.knocks = 0
        self.asked = 0
        self.changes = 0
        self.has_looked = True
        self.troubles: list[str] = []
        self.wake_ups = WakeUps(
            loop,
            state / "runner.db",
            knocked=self._knocked,
            asked=self._asked,
            changed=self._changed,
            trouble=lambda doing, problem: self.troubles.append(doing),
        )

    def _knocked(self) -> None:
        self.knocks += 1

    def _asked(self) -> None:
        self.asked += 1

    def _changed(self) -> bool:
        self.changes += 1
        return self.has_looked


@pytest.fixture
def desk(loop: asyncio.AbstractEventLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(room, "POLL_S", 0.005)
    return Desk(loop, tmp_path)


def test_a_knock_is_heard_and_the_socket_is_private(desk: Desk) -> None:
    desk.wake_ups.start()
    assert stat.S_IMODE((desk.state / "wake.sock").stat().st_mode) == 0o600
    assert wake_daemon(desk.state)
    run_until(desk.loop, lambda: desk.knocks == 1)
    desk.wake_ups.stop()
    assert not wake_daemon(desk.state)


def test_a_very_long_path_is_no_obstacle(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    state = tmp_path / ("a" * 120) / ("b" * 120)
    state.mkdir(parents=True)
    desk = Desk(loop, state)
    desk.wake_ups.start()
    assert wake_daemon(state)
    run_until(loop, lambda: desk.knocks == 1)
    desk.wake_ups.stop()
    assert desk.troubles == []


def test_many_knocks_make_one_look(desk: Desk) -> None:
    desk.wake_ups.start()
    for _ in range(5):
        wake_daemon(desk.state)
    run_until(desk.loop, lambda: desk.knocks > 0)
    assert desk.knocks == 1
    desk.wake_ups.stop()


def test_a_knock_that_only_asks_for_a_start_is_told_from_others(desk: Desk) -> None:
    desk.wake_ups.start()
    wake_daemon(desk.state, for_a_start=True)
    run_until(desk.loop, lambda: desk.asked == 1)
    wake_daemon(desk.state, for_a_start=True)
    wake_daemon(desk.state)
    run_until(desk.loop, lambda: desk.knocks == 1)
    assert desk.asked == 1
    desk.wake_ups.stop()


def test_a_socket_that_a_dead_daemon_left_is_replaced(desk: Desk) -> None:
    (desk.state / "wake.sock").write_text("left over")
    desk.wake_ups.start()
    assert wake_daemon(desk.state)
    desk.wake_ups.stop()


def test_where_no_socket_can_be_made_the_file_is_polled(desk: Desk) -> None:
    (desk.state / "wake.sock").mkdir()
    desk.wake_ups.start()
    assert desk.troubles == ["listening for wake-ups (the file is polled instead)"]
    (desk.state / "runner.db-wal").write_text("x")
    run_until(desk.loop, lambda: desk.changes == 1)
    desk.wake_ups.stop()


def test_a_change_is_asked_about_until_somebody_has_looked(desk: Desk) -> None:
    wal = desk.state / "runner.db-wal"
    wal.write_text("x")
    desk.has_looked = False
    desk.wake_ups.start()
    run_until(desk.loop, lambda: desk.changes > 3)
    desk.has_looked = True
    desk.changes = 0
    run_until(desk.loop, lambda: desk.changes == 1)
    os.utime(wal, ns=(1, 1))
    run_until(desk.loop, lambda: desk.changes == 2)
    desk.wake_ups.stop()
