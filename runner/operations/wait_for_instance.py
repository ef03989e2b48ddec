"""Wait for the end of a run."""

from __future__ import annotations

import time
from datetime import timedelta

from runner.lifecycle.instance import TERMINAL
from runner.store.port import Store
from runner.vocabulary.errors import UnknownName

POLL_S = 0.05
"""The database is the meeting point; one indexed row is read at each look."""


def wait_for_instance(store: Store, id: int, timeout: timedelta | None) -> str | None:
    """The state in which the run has ended; None when `timeout` passes before."""
    end = None if timeout is None else time.monotonic() + timeout.total_seconds()
    while True:
        with store.read() as reader:
            instance = reader.instances.get(id)
        if instance is None:
            raise UnknownName(f"instance {id} is gone from the history")
        if instance.state in TERMINAL:
            return instance.state
        if end is not None and time.monotonic() >= end:
            return None
        time.sleep(POLL_S)
