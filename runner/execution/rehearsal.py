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

    To be done before it sets its handlers: who starts a program changes some for good. A folder that cannot
    be made, or a shell that is not there, only leaves its children more to do.
    """
    INTERRUPTION.prepare(os.getpid())
    folder = f"/tmp/.runner-rehearsal-{os.getpid()}"  # noqa: S108 -- made by mkdir, or it is not used
    for _ in range(_TIMES):
        _play("shell", {"argv": [*SHELL, "-c", ":"]}, folder, make_workdir=True)
        rehearse()


def rehearse() -> None:
    """Run code that does nothing. A child that does it, while nobody waits, has copied the pages that it will
    write to."""
    _play("python", {"source": "pass"}, "/", make_workdir=False)
    os.environ.clear()
    sys.modules.pop("job_code", None)
    linecache.clearcache()


def _play(kind: str, action: Mapping[str, object], workdir: str, *, make_workdir: bool) -> None:
    ours, theirs = socket.socketpair()
    step = {"name": "run", "kind": kind, "action": action}
    order = {"instance": 0, "job": "", "mark": "", "steps": [step], "context": {}, "env": {}}
    with ours, theirs:
        ours.sendall(encode({**order, "workdir": workdir, "make_workdir": make_workdir}))
        harness.run(Stream(theirs.fileno()), _nothing_to_finish)


def _nothing_to_finish() -> None:
    """The exit functions that modules registered are for the children."""
