"""An engine with real children on a loop of the test, a clock that stands still, and words for waiting."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from installations import ANA, NOW, Installation

from runner.daemon.engine import Engine
from runner.daemon.presence import begin_session
from runner.execution.order import Ended
from runner.operations.outcome import Finished, NotStarted
from runner.operations.trigger import trigger_job
from runner.store.instances import InstanceRecord

PATIENCE_S = 60.0
"""Longest wait on a loaded machine; nothing is ever waited for that long when all is well."""


class StandingClock:
    """Goes on only when a test says so."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at
        self.passed_s = 0.0
        self.slept_s = 0.0

    def now(self) -> datetime:
        return self.at

    def boot_s(self) -> float:
        return self.passed_s

    def awake_s(self) -> float:
        return self.passed_s - self.slept_s

    def passes(self, *, to: datetime | None = None, **duration: float) -> None:
        """Time goes on; only the wall clock can go back."""
        step = to - self.at if to is not None else timedelta(**duration)
        self.at += step
        self.passed_s += max(step.total_seconds(), 0)

    def steps(self, **duration: float) -> None:
        """Somebody sets the wall clock, and no time passes."""
        self.at += timedelta(**duration)

    def sleeps(self, **duration: float) -> None:
        """The machine is suspended for so long."""
        self.passes(**duration)
        self.slept_s += timedelta(**duration).total_seconds()


class Heard:
    """A listener that remembers, and says that there is something new."""

    def __init__(self, new: Callable[[], None] = lambda: None) -> None:
        self.new = new
        self.lines: list[tuple[str, Any]] = []

    def _hear(self, word: str, what: Any) -> None:
        self.lines.append((word, what))
        self.new()

    def recovered(self, finished: Finished) -> None:
        self._hear("recovered", (finished.instance_id, finished.state, finished.reason))

    def started(self, instance: InstanceRecord) -> None:
        self._hear("started", instance.id)

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        self._hear("finished", (finished.instance_id, finished.state, finished.reason))

    def not_started(self, result: NotStarted) -> None:
        self._hear("not started", (result.instance_id, result.outcome, result.reason))

    def removed(self, job: str) -> None:
        self._hear("removed", job)

    def trouble(self, doing: str, problem: BaseException) -> None:
        self._hear("trouble", (doing, str(problem)))

    def of(self, word: str) -> list[Any]:
        return [what for said, what in self.lines if said == word]


def run_until(loop: asyncio.AbstractEventLoop, holds: Callable[[], bool]) -> None:
    """Let the loop run until it holds, looking again in short turns."""

    def look() -> None:
        if holds():
            held.append(True)  # what comes in the same turn of the loop may end it again
            loop.stop()
        else:
            timers.append(loop.call_later(0.002, look))

    held: list[bool] = []
    timers: list[asyncio.TimerHandle] = []
    late = loop.call_later(PATIENCE_S, loop.stop)
    loop.call_soon(look)
    loop.run_forever()
    late.cancel()
    for timer in timers:
        timer.cancel()
    assert held, "waited in vain"


def shell(script: str, name: str = "run") -> list[dict[str, Any]]:
    """The steps of a job that does just that."""
    return [{"name": name, "shell": script}]


def waits_for(file: Path) -> list[dict[str, Any]]:
    """The steps of a job that ends once the file is there."""
    return shell(f"until [ -e {file} ]; do sleep 0.01; done")


class Daemon:
    """An engine that is up."""

    def __init__(
        self,
        here: Installation,
        loop: asyncio.AbstractEventLoop,
        *,
        clock: StandingClock | None = None,
        parallel: int = 5,
        listener: Any = None,
        outside: Any = None,
    ) -> None:
        self.here = here
        self.loop = loop
        self.clock = clock or StandingClock()
        self.heard = listener or Heard()
        self.engine = Engine(
            loop,
            here.store,
            self.clock,
            self.heard,
            project=here.state.parent,
            state=here.state,
            session=begin_session(here.store, self.clock, "up"),
            parallel=parallel,
            outside=outside,
        )
        self.engine.start()
        self._is_up = True

    def trigger(self, name: str, key: str = "", **more: Any) -> int:
        """A start by hand, with the knock that the command sends after it."""
        key = key or f"{name}-{len(self.heard.lines)}-{self.clock.at}"
        start = trigger_job(self.here.store, name, actor=ANA, key=key, now=self.clock.now(), **more)
        self.engine.look()
        return start.id

    def until(self, holds: Callable[[], bool]) -> None:
        try:
            run_until(self.loop, holds)
        except AssertionError:
            raise AssertionError(f"waited in vain; heard: {self.heard.lines}") from None

    def until_heard(self, word: str, what: Any = None) -> Any:
        """Until the listener has heard it; without `what` anything, which is returned."""
        self.until(lambda: bool(self.heard.of(word)) if what is None else what in self.heard.of(word))
        return self.heard.of(word)[-1]

    def until_running(self, id: int) -> None:
        """Until its process is recorded."""
        self.until(lambda: self.here.instance(id).pid is not None)

    def claims_unheard(self, id: int) -> None:
        """Until the claim is durable, and the loop has not heard of it yet."""
        with locked(self.here):
            self.engine.look()
            self.until(lambda: id in self.engine._dispatcher.claiming and not self.engine._bridge._leaving)
        deadline = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while self.here.instance(id).state != "RUNNING":
            assert time.monotonic() < deadline, "the claim does not become durable"
            pause.wait(0.002)
        assert id in self.engine._dispatcher.claiming

    def settle(self) -> None:
        """Until nothing is under way to the database."""
        self.until(lambda: not self.engine._bridge.pending)

    def until_ended(self, id: int) -> InstanceRecord:
        self.until(lambda: self.here.instance(id).completed_at is not None)
        return self.here.instance(id)

    def passes(self, **step: Any) -> None:
        """Time goes on, and the engine notices."""
        self.clock.passes(**step)
        self.engine.look()

    def stop(self, grace_s: float = 0) -> int:
        if not self._is_up:
            return 0
        self._is_up = False
        return self.loop.run_until_complete(self.engine.stop(grace_s))


@contextmanager
def no_thread(name: str) -> Iterator[None]:
    """The machine has as many threads as it may have, and none for this one."""
    start = threading.Thread.start

    def refused(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with pytest.MonkeyPatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refused)
        yield


@contextmanager
def locked(here: Installation) -> Iterator[None]:
    """Another process holds the database for writing."""
    other = sqlite3.connect(here.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()
