"""One daemon per database, and the lock dies with its process."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner.store.daemon_lock import FILE, daemon_lock, lock_holder
from runner.vocabulary.errors import AlreadyRunning, StoreUnavailable
from runner.vocabulary.instants import to_the_second

HOLD = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from runner.store.daemon_lock import daemon_lock

with daemon_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def a_daemon(state: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_daemon_is_refused_with_the_firsts_pid_and_host(tmp_path: Path) -> None:
    process = a_daemon(tmp_path)
    holder = lock_holder(tmp_path)
    assert holder is not None
    assert (holder.pid, holder.host) == (process.pid, socket.gethostname())
    with pytest.raises(AlreadyRunning) as raised, daemon_lock(tmp_path):
        pass
    assert str(raised.value) == (
        f"A daemon already runs on {tmp_path}: pid {process.pid} on {holder.host}, "
        f"since {to_the_second(holder.since)}; stop it first, or use another database with --db"
    )
    process.communicate("")
    assert lock_holder(tmp_path) is None


def test_kill_9_frees_the_lock(tmp_path: Path) -> None:
    process = a_daemon(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert lock_holder(tmp_path) is None
    with daemon_lock(tmp_path):
        holder = lock_holder(tmp_path)
        assert holder is not None and holder.pid == os.getpid()


def test_the_lock_is_held_against_the_same_process_too(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        with pytest.raises(AlreadyRunning), daemon_lock(tmp_path):
            pass
        assert lock_holder(tmp_path) is not None
    with daemon_lock(tmp_path):
        pass


def test_a_drain_is_noted_with_the_lock_and_is_gone_with_it(tmp_path: Path) -> None:
    with daemon_lock(tmp_path) as lock:
        before = lock_holder(tmp_path)
        assert before is not None and before.drains_since is None
        lock.note_drain(datetime(2026, 11, 21, 3, tzinfo=UTC))
        after = lock_holder(tmp_path)
        assert after == replace(before, drains_since=datetime(2026, 11, 21, 3, tzinfo=UTC))
    with daemon_lock(tmp_path):
        again = lock_holder(tmp_path)
        assert again is not None and again.drains_since is None


def test_asking_who_holds_it_never_takes_it_and_makes_no_file(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with daemon_lock(tmp_path):
        pass
    assert (tmp_path / FILE).read_text() == ""
    assert lock_holder(tmp_path) is None


def test_a_process_executed_by_the_daemon_does_not_keep_the_lock(tmp_path: Path) -> None:
    with daemon_lock(tmp_path):
        child = subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout is not None
        child.stdout.readline()  # executed, whatever the kernel closes last
    assert lock_holder(tmp_path) is None
    child.communicate(b"\n")


def test_the_lock_file_is_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with daemon_lock(tmp_path):
            assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / FILE).symlink_to(tmp_path / "victim")
    with pytest.raises(StoreUnavailable, match="cannot be opened"), daemon_lock(tmp_path):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_lock_whose_file_was_taken_away_is_locked_again_unless_another_has_it(tmp_path: Path) -> None:
    with daemon_lock(tmp_path) as lock:
        assert lock.keep()
        (tmp_path / FILE).unlink()
        assert lock_holder(tmp_path) is None
        assert lock.keep()
        holder = lock_holder(tmp_path)
        assert holder is not None and holder.pid == os.getpid()
        (tmp_path / FILE).unlink()
        with daemon_lock(tmp_path) as other:
            assert not lock.keep()
            assert other.keep()
        assert lock.keep(), "the other one has gone"
    assert lock_holder(tmp_path) is None
