"""A datagram wakes the daemon, and nobody minds when nobody listens."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from runner.operations.wake import wake_daemon


def test_nobody_listens(tmp_path: Path) -> None:
    assert wake_daemon(tmp_path) is False
    assert wake_daemon(tmp_path / "not there") is False


def test_whoever_listens_gets_an_empty_datagram_however_long_the_path_is(tmp_path: Path) -> None:
    state = tmp_path / ("deep" * 40)
    state.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        folder = os.open(state, os.O_PATH)
        daemon.bind(f"/proc/self/fd/{folder}/wake.sock")
        os.close(folder)
        assert wake_daemon(state) is True
        assert daemon.recv(16) == b""


def test_a_daemon_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(os.path.relpath(tmp_path / "wake.sock"))
    assert wake_daemon(tmp_path) is False


def test_a_daemon_that_is_busy_keeps_nobody_waiting(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(os.path.relpath(tmp_path / "wake.sock"))
        assert all(wake_daemon(tmp_path) for _ in range(2000))
