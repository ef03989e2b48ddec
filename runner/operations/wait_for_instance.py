"""Wait for the end of a run."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import timedelta

from runner.lifecycle.instance import TERMINAL
from runner.store.port import Store
from runner.vocabulary.errors import Refused, UnknownName

POLL_S = 0.05
"""The database is the meeting point; one indexed row is read at each look."""


LOOKS_PER_DAEMON_CHECK = 10


def wait_for_instance(
    store: Store, id: int, timeout: timedelta | None, *, daemon_runs: Callable[[], bool]
) -> str | None:
    """The state in which the run has ended; None when `timeout` passes before.

    Refused when the daemon ends before the run does: what is recorded stays, but nobody carries it out now.
    """
    end = None if timeout is None else time.monotonic() + timeout.total_seconds()
    lives = True
    for look in itertools.count(1):
        if look % LOOKS_PER_DAEMON_CHECK == 0:
            lives = daemon_runs()  # asked before the state is read, so that a result written last is seen
        with store.read() as reader:
            instance = reader.instances.get(id)
        if instance is None:
            raise UnknownName(f"instance {id} is gone from the history")
        if instance.state in TERMINAL:
            return instance.state
        if end is not None and time.monotonic() >= end:
            return None
        if not lives:
            raise Refused(
                f"the daemon has ended; instance {id} is {instance.state} and goes on with the next one"
            )
        time.sleep(POLL_S)
    raise AssertionError("count() never ends")
