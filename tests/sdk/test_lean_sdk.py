"""Whoever imports `runner` pays nothing, and a child that runs a job pays little."""

from __future__ import annotations

import subprocess
import sys

PRELOADED = "import runner.execution.zygote as z; z.preload('lean'); import sys; there = set(sys.modules)"
NEW = "print(*sorted(m for m in set(sys.modules) - there if not m.startswith('runner.sdk')))"
JOB = """
from runner import Job, Status
from runner.sdk.drive import drive
class J(Job):
    def perform(self, status):
        self.info["a"] = 1
        self.persistent["b"] = 2
        with self.batch(list) as batch: batch.add(1)
        self.progress(1); self.warn("w"); self.log("l"); self.sleep(1)
        return Status({"n": status.state.get("n", 0) + 1}, "n" in status.state)
class P:
    now = lambda self: 0.0
    asked = lambda self: None
    wait = lambda self, seconds, interruptible: None
    send = commit = log = lambda self, message: None
assert drive(J, P()).kind == "complete"
"""


def printed(code: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return ran.stdout.strip()


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys; there = set(sys.modules); import runner; print(*sorted(set(sys.modules) - there))"
    assert printed(code) == "runner"


def test_a_whole_job_needs_nothing_that_the_zygote_does_not_have() -> None:
    assert printed(f"{PRELOADED}\n{JOB}\n{NEW}") == ""


def test_the_package_says_what_it_does_not_have() -> None:
    code = "import runner\ntry: runner.Jobs\nexcept AttributeError as error: print(error)"
    assert printed(code) == "module 'runner' has no attribute 'Jobs'"


def test_the_job_and_the_status_are_those_of_the_sdk() -> None:
    import runner
    from runner.sdk.job import Job
    from runner.sdk.status import Status

    assert (runner.Job, runner.Status) == (Job, Status)
