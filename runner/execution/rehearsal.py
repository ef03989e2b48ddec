"""What does Python prepare when an instance runs, and who does it before there is one?

What it prepares at the first use of its parts (caches of types, of classes' relations), and at the eighth of
code (its instructions, PEP 659), it writes into pages that all children share until then.
Lean, because the zygote imports it.
"""

from __future__ import annotations

import linecache
import os
import socket
import sys
from collections.abc import Mapping

from runner.execution.actions.shell import SHELL
from runner.execution.child import harness
from runner.execution.child.interruption import INTERRUPTION
from runner.execution.child.stream import Stream
from runner.execution.protocol import encode

_TIMES = 10


def rehearse_everything() -> None:
    """Run instances that do nothing, in the zygote, so that its children find all of it prepared.

    To be done before it sets its handlers: who starts a program changes some for good. It makes no file and
    no folder, which a zygote that is killed meanwhile would leave.
    """
    INTERRUPTION.prepare(os.getpid())
    for _ in range(_TIMES):
        _play("shell", {"argv": [*SHELL, "-c", ":"]})
        rehearse()


def rehearse() -> None:
    """Run code that does nothing. A child that does it, while nobody waits, has copied the pages that it will
    write to."""
    _play("python", {"source": "pass"})
    os.environ.clear()
    sys.modules.pop("job_code", None)
    linecache.clearcache()


def _play(kind: str, action: Mapping[str, object]) -> None:
    ours, theirs = socket.socketpair()
    # Its name is that of files, too: there is no `/.runner-rehearsal.state`.
    step = {"name": "runner-rehearsal", "kind": kind, "action": action}
    order = {"instance": 0, "job": "", "mark": "", "steps": [step], "context": {}, "env": {}, "workdir": "/"}
    with ours, theirs:
        ours.sendall(encode({**order, "make_workdir": False}))
        harness.run(Stream(theirs.fileno()), _nothing_to_finish)


def _nothing_to_finish() -> None:
    """The exit functions that modules registered are for the children."""
