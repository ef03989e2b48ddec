"""A whole engine on a database of its own, for the benchmarks: install jobs, then see how they run."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from runner.daemon.clock import SystemClock
from runner.daemon.engine import Engine
from runner.daemon.presence import begin_session
from runner.execution.order import Ended
from runner.operations.outcome import Finished, NotStarted
from runner.store.instances import InstanceRecord, NewInstance
from runner.store.objects import NewObject
from runner.store.open import open_store
from runner.store.port import Store, Transaction

PYTHON_NO_OP = {"name": "run", "kind": "python", "action": {"source": "pass"}}
SHELL_TRUE = {"name": "run", "kind": "shell", "action": {"argv": ["/bin/true"]}}


def resolved_job(step: Mapping[str, Any], schedule: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A resolved spec as the declaration room makes it, with one step."""
    whole_step = {"if": None, "timeout": None, "retry": None, "onFailure": "fail", "remedy": None}
    return {
        "version": None,
        "description": None,
        "type": "standard",
        "executor": "process",
        "protected": False,
        "hidden": False,
        "enabled": True,
        "mode": "automatic" if schedule else "manual",
        "schedules": {"default": dict(schedule)} if schedule else {},
        "groups": [],
        "libraries": {},
        "inputs": {},
        "with": {},
        "concurrency": {"policy": "allow", "limit": 1000},
        "missed": {"policy": "last", "maxAge": "24h", "maxRuns": 10},
        "retry": {"policy": "none"},
        "failAfter": "never",
        "onCrash": "fail",
        "timeout": None,
        "deadline": None,
        "validUntil": None,
        "onExpiry": "finish",
        "onDisable": "finish",
        "env": {},
        "locks": [],
        "limits": {},
        "history": {},
        "flow": {},
        "steps": [{**whole_step, "interruptible": True, **step}],
        "outputs": {},
        "files": {},
        "runAs": None,
    }


class Counting:
    """Counts ends; stops the loop after `expected`. `on_start` sees each start."""

    def __init__(self, expected: int, on_start: Callable[[InstanceRecord], None] | None = None) -> None:
        self.left = expected
        self.done = asyncio.Event()
        self._on_start = on_start
        self.ended_at = 0.0

    def recovered(self, finished: Finished) -> None:
        pass

    def started(self, instance: InstanceRecord) -> None:
        if self._on_start is not None:
            self._on_start(instance)

    def finished(self, instance: InstanceRecord, finished: Finished, ended: Ended | None) -> None:
        if finished.state != "SUCCEEDED":
            raise SystemExit(f"an instance did not succeed: {finished}")
        self.left -= 1
        if self.left == 0:
            self.ended_at = time.perf_counter()
            self.done.set()

    def not_started(self, result: NotStarted) -> None:
        raise SystemExit(f"an instance was not started: {result}")

    def removed(self, job: str) -> None:
        pass

    def trouble(self, doing: str, problem: BaseException) -> None:
        raise SystemExit(f"trouble while {doing}: {problem!r}")


class Installation:
    """A database in a temporary folder with jobs installed; `serve` runs an engine on it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.project = Path(self._folder.name)
        self.state = self.project / ".runner"
        self.state.mkdir(mode=0o700)
        self.store: Store = open_store(self.state / "runner.db", create=True)
        self.clock = SystemClock()

    def install(
        self, names: list[str], spec: Mapping[str, Any], watermark: datetime | None = None
    ) -> list[str]:
        now = self.clock.now()

        def work(tx: Transaction) -> list[str]:
            uids = []
            for name in names:
                new = NewObject(
                    kind="Job",
                    name=name,
                    source="jobs.d",
                    file=f"{name}.yaml",
                    line=1,
                    digest=f"sha256:{name}",
                    execution_digest="",
                    declared={},
                    resolved=spec,
                )
                uid = tx.objects.install(new, at=now, who="benchmark")
                uids.append(uid)
                if watermark is not None:
                    tx.slots.set_watermark(uid, "default", watermark)
            return uids

        return self.store.transact(work)

    def due(self, uid: str, name: str, count: int, start: int = 0) -> None:
        """Record `count` starts by hand, due now."""
        now = self.clock.now()

        def work(tx: Transaction) -> None:
            for number in range(start, start + count):
                new = NewInstance(
                    job_uid=uid,
                    job=name,
                    origin="manual",
                    slot_key=f"manual:{number}",
                    due_at=now,
                    reason="manual",
                    digest=f"sha256:{name}",
                    revision=1,
                )
                tx.instances.create(new, who="benchmark", at=now)

        self.store.transact(work)

    def engine(self, listener: Counting, parallel: int) -> Engine:
        """An engine on the running loop."""
        return Engine(
            asyncio.get_running_loop(),
            self.store,
            self.clock,
            listener,
            project=self.project,
            state=self.state,
            session=begin_session(self.store, self.clock, "run"),
            parallel=parallel,
        )

    def close(self) -> None:
        self.store.close()
        self._folder.cleanup()
