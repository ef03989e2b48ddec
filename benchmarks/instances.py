"""Isolated no-op Python instances through the supervisor, against an equally lean bare zygote.

Usage: python benchmarks/instances.py [--count 2000] [--concurrency 8]

Floors, measured in the same run: (1) a process that has imported what our zygote imports, and does nothing
but fork, setsid, redirect and exec of a compiled no-op; (2) `python3 -c pass` processes. CPU time is that of
all processes involved, which is steadier than rates on a machine that others use too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from runner.execution.order import Ended, Order, Report
from runner.execution.supervisor import Supervisor

_BARE_ZYGOTE = """
import gc, os, sys, time
from runner.execution import zygote
zygote.preload("lean")
gc.disable(); gc.collect(); gc.freeze()
count, concurrency = int(sys.argv[1]), int(sys.argv[2])
live, begun = 0, time.perf_counter()
for _ in range(count):
    if live == concurrency:
        os.wait()
        live -= 1
    if os.fork() == 0:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 1); os.dup2(null, 2)
        exec(compile("pass", "job", "exec"), {})
        os._exit(0)
    live += 1
while live:
    os.wait()
    live -= 1
print(count / (time.perf_counter() - begun))
"""


def with_cpu_us(count: int, measure: Callable[[], float]) -> tuple[float, float]:
    """What `measure` returns, and the CPU time of all processes that it took, in µs per start."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    measured = measure()
    now = [resource.getrusage(kind) for kind in kinds]
    seconds = sum(n.ru_utime + n.ru_stime - u.ru_utime - u.ru_stime for n, u in zip(now, used, strict=True))
    return measured, seconds / count * 1e6


def bare_zygote_rate(count: int, concurrency: int) -> float:
    """Starts a second of the first floor."""
    argv = [sys.executable, "-P", "-c", _BARE_ZYGOTE, str(count), str(concurrency)]
    return float(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)


def bare_python_rate(count: int, concurrency: int) -> float:
    """Starts a second of the second floor."""
    live: list[subprocess.Popen[bytes]] = []
    begun = time.perf_counter()
    for _ in range(count):
        if len(live) == concurrency:
            live.pop(0).wait()
        live.append(subprocess.Popen([sys.executable, "-c", "pass"]))
    for process in live:
        process.wait()
    return count / (time.perf_counter() - begun)


def supervised_rate(count: int, concurrency: int, steps: list[dict[str, object]]) -> float:
    """Instances a second, each from its order to its verified end."""
    loop = asyncio.new_event_loop()
    remaining = [count]
    started = [0]
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        (state / "work").mkdir()

        def start() -> None:
            started[0] += 1
            supervisor.start(
                Order(
                    instance=started[0],
                    epoch=1,
                    job="no-op",
                    steps=steps,
                    log_path=f"{folder}/logs/no-op/{started[0]}.log",
                    env={"PATH": os.defpath, "HOME": "/", "LANG": "C.UTF-8"},
                )
            )

        def report(told: Report) -> None:
            if isinstance(told, Ended):
                if told.outcome != "succeeded":
                    raise SystemExit(f"an instance did not succeed: {told}")
                remaining[0] -= 1
                if remaining[0] == 0:
                    loop.stop()
                elif started[0] < count + concurrency:
                    start()

        supervisor = Supervisor(loop, state=state, report=report)
        remaining[0] = concurrency  # the first ones, to have the zygote up
        for _ in range(concurrency):
            start()
        started[0] = count + concurrency  # no more for now
        loop.run_forever()
        started[0], remaining[0] = concurrency, count
        begun = time.perf_counter()
        for _ in range(concurrency):
            start()
        loop.run_forever()
        seconds = time.perf_counter() - begun
        supervisor.close()
        loop.close()
    return count / seconds


def main() -> None:
    """Measure alternately, so that both see the same machine; the median of the ratios counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps: list[dict[str, object]] = [{"name": "run", "kind": "python", "action": {"source": "pass"}}]
    count, concurrency = arguments.count, arguments.concurrency
    rows = []
    for _ in range(arguments.rounds):
        ours, ours_us = with_cpu_us(count, lambda: supervised_rate(count, concurrency, steps))
        floor, floor_us = with_cpu_us(count, lambda: bare_zygote_rate(count, concurrency))
        python = bare_python_rate(arguments.count // 10, arguments.concurrency)
        rows.append((ours / floor, ours, floor, python))
        print(
            f"supervised {ours:7.0f}/s {ours_us:5.0f} µs CPU   zygote {floor:7.0f}/s {floor_us:5.0f} µs   "
            f"python -c pass {python:7.0f}/s",
            flush=True,
        )
    ratio, ours, floor, python = sorted(rows)[len(rows) // 2]
    print(
        f"ratio to a bare zygote: {ratio:.2f} (target 0.6); to python -c pass: {ours / python:.1f} (target 5)"
    )


if __name__ == "__main__":
    main()
