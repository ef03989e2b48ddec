"""A fan-out of no-op Python targets, recorded and durable, against a bare lean zygote; and the peak memory
of the daemon with 10,000 targets.

Usage: python benchmarks/fanout.py [--targets 1000] [--parallel 8] [--rounds 3] [--large 10000]

The floor is that of instances.py, in the same run. The rate counts from the start by hand to the recorded end
of the run, so the inventory is read and frozen in it too. `--large 0` leaves the memory out.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from engine import PYTHON_NO_OP, Counting, Installation, resolved_job
from instances import bare_zygote_rate


def fan_out(targets: int, parallel: int) -> dict[str, Any]:
    """A resolved job over that many targets, each with a few values."""
    spec = resolved_job(PYTHON_NO_OP)
    spec["tasks"] = {
        "inventory": "fleet",
        "targets": {
            f"device-{n:05}": {"host": f"10.0.{n // 250}.{n % 250}", "site": "north"} for n in range(targets)
        },
        "files": {},
        "format": None,
        "nameColumn": "name",
        "delimiter": ",",
        "where": "target.site == 'north'",
        "parallel": parallel,
        "waves": [],
        "waveMinSuccess": "1%",
        "minSuccess": "100%",
        "maxFailures": None,
        "retryEvery": "5m",
        "expiresIn": "30m",
        "timeout": None,
        "onPause": "finish",
    }
    return spec


async def seconds_of(here: Installation, targets: int, parallel: int) -> float:
    """From the start by hand to the recorded end, with an engine that is warm."""
    warm, job = (
        here.install(["warm"], fan_out(parallel, parallel))[0],
        here.install(["job"], fan_out(targets, parallel))[0],
    )
    listener = Counting(1)
    engine = here.engine(listener, 1)
    here.due(warm, "warm", 1)
    engine.start()
    await listener.done.wait()
    listener.left, listener.done = 1, asyncio.Event()
    begun = time.perf_counter()
    here.due(job, "job", 1)
    engine.look()
    await listener.done.wait()
    seconds = listener.ended_at - begun
    await engine.stop(0)
    return seconds


def rate(targets: int, parallel: int) -> float:
    """Targets a second."""
    here = Installation()
    try:
        return targets / asyncio.run(seconds_of(here, targets, parallel))
    finally:
        here.close()


def peak_mib() -> float:
    """The largest resident size of this process so far."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measure alternately; the median of the ratios counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--only-memory", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only_memory:
        before = peak_mib()
        reached = rate(arguments.large, arguments.parallel)
        figures = f"{peak_mib():.0f} MiB at its peak ({before:.0f} before), {reached:.0f}/s"
        print(f"{arguments.large} targets: {figures}")
        return
    rows = []
    for _ in range(arguments.rounds):
        ours = rate(arguments.targets, arguments.parallel)
        floor = bare_zygote_rate(arguments.targets, arguments.parallel)
        rows.append((ours / floor, ours, floor))
        print(f"fan-out {ours:7.0f}/s   zygote {floor:7.0f}/s", flush=True)
    ratio, _, _ = sorted(rows)[len(rows) // 2]
    print(f"ratio to a bare zygote: {ratio:.2f} (target 0.3)")
    if arguments.large:
        argv = [sys.executable, __file__, "--only-memory", "--large", str(arguments.large)]
        subprocess.run([*argv, "--parallel", str(arguments.parallel)], check=True, env=os.environ)
        print("target: 250 MiB")


if __name__ == "__main__":
    main()
