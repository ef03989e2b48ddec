"""From a trigger to the first instruction of the job, through a real daemon.

Usage: python benchmarks/latency.py [--count 200]

This process records a start and wakes the daemon, as `runner jobs trigger` does; the job notes the monotonic
clock as its first instruction. Each trigger comes after the last run has ended and been recorded.
Floor, in the same run and alternating: this process commits one row durably (WAL, synchronous=FULL) and tells
a bare lean zygote, whose child notes the clock after fork, setsid and redirect.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import struct
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from daemon import Project

from runner.access.permission import Actor
from runner.operations.trigger import trigger_job
from runner.operations.wake import wake_daemon
from runner.store.open import open_store
from runner.store.port import Store

REST_S = 0.02
"""Between the recorded end of one run and the next trigger, so that the daemon is idle again."""

_SOURCE = """
import time
at = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
with open({path!r}, "a") as file:
    file.write(f"{{at}}\\n")
"""
_BARE_ZYGOTE = """
import gc, os, sys, time
from runner.execution import zygote
zygote.preload("lean")
gc.disable(); gc.collect(); gc.freeze()
while os.read(0, 1):
    if os.fork() == 0:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 2)
        exec("import time; at = time.clock_gettime_ns(time.CLOCK_MONOTONIC)")
        os.write(1, at.to_bytes(8, "little"))
        os._exit(0)
    os.wait()
"""


class Floor:
    """A commit and a bare zygote, one start at a time."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE starts (at TEXT)")
        self._zygote = subprocess.Popen(
            [sys.executable, "-P", "-c", _BARE_ZYGOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def latency_ms(self) -> float:
        stdin, stdout = self._zygote.stdin, self._zygote.stdout
        assert stdin is not None and stdout is not None
        begun = now_ns()
        self._database.execute("INSERT INTO starts VALUES (?)", (str(begun),))
        os.write(stdin.fileno(), b"s")
        [at] = struct.unpack("<Q", os.read(stdout.fileno(), 8))
        return (at - begun) / 1e6

    def close(self) -> None:
        self._database.close()
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait()


def now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def trigger(store: Store, state: Path, number: int) -> int:
    """Record one start and wake the daemon; the instance's number."""
    made = trigger_job(
        store, "clock", actor=Actor("benchmark"), key=f"latency-{number}", now=datetime.now(UTC)
    )
    wake_daemon(state, for_a_start=True)
    return made.id


def wait_for_end(store: Store, instance: int) -> None:
    while True:
        with store.read() as reader:
            record = reader.instances.get(instance)
        if record is not None and record.state == "SUCCEEDED":
            time.sleep(REST_S)
            return
        if record is None or record.completed_at is not None:
            raise SystemExit(f"an instance did not succeed: {record}")
        time.sleep(REST_S)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    arguments = parser.parse_args()
    project = Project()
    try:
        clocks = project.folder / "clocks"
        project.declare("clock", source=json.dumps(_SOURCE.format(path=str(clocks))))
        project.up()
        floor = Floor(project.folder)
        store = open_store(project.state / "runner.db")
        warm_up = 5
        begun, bare = [], []
        for number in range(arguments.count + warm_up):
            bare.append(floor.latency_ms())
            begun.append(now_ns())
            wait_for_end(store, trigger(store, project.state, number))
        began = [int(line) for line in clocks.read_text().split()]
        ours = [(at - start) / 1e6 for start, at in zip(begun, began, strict=True)][warm_up:]
        bare = bare[warm_up:]
        store.close()
        floor.close()
    finally:
        project.close()
    for name, values in (("trigger to first instruction", ours), ("commit, bare fork", bare)):
        print(f"{name:30} p50 {percentile(values, 0.5):6.2f} ms   p99 {percentile(values, 0.99):6.2f} ms")
    ratio = percentile(ours, 0.5) / percentile(bare, 0.5)
    print(f"ratio of the medians: {ratio:.1f}   (targets: p50 3 ms, p99 8 ms, on an idle machine)")


if __name__ == "__main__":
    main()
