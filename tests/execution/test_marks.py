"""What an earlier daemon left behind is found by its mark, and waited for no longer than it may end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from runner.execution import processes
from runner.execution.marks import MARK, kill_marked, marked
from runner.execution.processes import is_gone
from tests.held_processes import that_cannot_end

OWN_MARK = f"test-{os.getpid()}"

WITHOUT_ITS_FIRST_THREAD = """\
import ctypes, os, threading
first = threading.get_native_id()
def go_on():
    while open(f"/proc/self/task/{first}/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    print("alone", flush=True)
    input()
threading.Thread(target=go_on).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)  # exit(2): of this thread alone
"""


@contextmanager
def a_process(source: str = "print(flush=True); input()") -> Iterator[subprocess.Popen[str]]:
    """One that has said its first line, with the mark of this test."""
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={MARK: OWN_MARK},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()


def test_a_process_without_its_first_thread_is_there_and_is_found_by_its_mark() -> None:
    with a_process(WITHOUT_ITS_FIRST_THREAD) as process:
        assert not is_gone(process.pid, None)
        assert marked(OWN_MARK) == [process.pid]
        assert kill_marked(OWN_MARK) == 1
        assert is_gone(process.pid, None)


def test_what_was_killed_and_cannot_end_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ENDS_WITHIN_S", 0.1)
    with a_process() as process:
        with that_cannot_end(process.pid):
            assert kill_marked(OWN_MARK) == 1
            assert not is_gone(process.pid, None)
        assert process.wait() != 0
