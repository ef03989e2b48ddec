"""What is left in a zygote of the instances that it runs before it forks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

_REHEARSED = """
import json, os, signal
os.environ.clear()
from runner.execution.child.interruption import INTERRUPTION
from runner.execution.processes import children
from runner.execution.rehearsal import rehearse_everything
before = sorted(os.listdir("/proc/self/fd"))
rehearse_everything()
os.kill(os.getpid(), signal.SIGTERM)
INTERRUPTION.prepare(os.getpid())
blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
print(json.dumps({
    "children": children(),
    "folder": os.getcwd(),
    "descriptors": sorted(os.listdir("/proc/self/fd")) == before,
    "environment": dict(os.environ),
    "stopping": INTERRUPTION.stopping,
    "blocked": signal.SIGTERM in blocked,
}))
"""


def test_a_rehearsal_leaves_nothing_to_the_children_but_what_python_has_prepared() -> None:
    env = {"PATH": os.defpath, "PYTHONPATH": ":".join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _REHEARSED],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        start_new_session=True,
    )

    assert json.loads(ended.stdout) == {
        "children": [],
        "folder": "/",
        "descriptors": True,
        "environment": {},
        "stopping": False,
        "blocked": True,
    }
    assert ended.stderr == ""
