"""Whether a process stands still, how, and what lets it go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from runner.execution.still import Still, stands_still, still_now
from tests.held_processes import held_by_a_debugger

TWO_THREADS = """\
import threading
other = threading.Thread(target=threading.Event().wait, daemon=True)
other.start()
print(other.native_id, flush=True)
other.join()
"""


def test_what_goes_on_or_is_gone_does_not_stand_still() -> None:
    assert stands_still(os.getpid()) is None
    with subprocess.Popen(["true"]) as gone:
        pass
    assert stands_still(gone.pid) is None


def test_what_a_signal_stopped_goes_on_by_one() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        still = stands_still(child.pid)
        assert still is not None
        assert (still.how, still.go_on) == ("stopped (SIGSTOP)", f"kill -CONT {child.pid}")
        assert still.how_and_what_now == f"stopped (SIGSTOP; kill -CONT {child.pid})"
        child.kill()


def test_what_a_debugger_holds_is_told_with_the_debugger() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        with held_by_a_debugger(child.pid) as debugger:
            still = stands_still(child.pid)
        assert still is not None
        assert (still.by_debugger, still.tracer) == (True, debugger)
        assert still.how == f"held by a debugger ({still.tracer_name}, pid {debugger})"
        assert still.go_on == f"detach the debugger, or: kill {debugger}"
        child.kill()


def test_a_debugger_may_hold_one_thread_of_a_process() -> None:
    with subprocess.Popen([sys.executable, "-c", TWO_THREADS], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        thread = int(child.stdout.readline())
        with held_by_a_debugger(thread):
            assert still_now(child.pid) is None
            assert still_now(child.pid, thread) is not None
        child.kill()


def test_a_debugger_outside_of_the_container_has_no_number() -> None:
    still = Still(4711, by_debugger=True)
    assert still.how_and_what_now == (
        "held by a debugger (one that cannot be seen from here; detach the debugger)"
    )
