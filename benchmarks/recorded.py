"""Instances fully recorded and durable, due at once, against bare processes of the same kind.

Usage: python benchmarks/recorded.py [--count 1500] [--concurrency 8] [--rounds 7]

Floors, measured in the same run, each before and after ours (their mean counts, because a shared machine has
another speed every few seconds): a bare lean zygote (fork, setsid, redirect, exec of a compiled no-op),
`python3 -c pass` processes, and subprocess.Popen(["/bin/true"]). Ours: instance, task and step rows with all
their events, synchronous=FULL, from the first claim to the last recorded end.

Rates suffer from whatever else the machine does, so the CPU time of all processes together is told too, as
a ratio to that of the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import subprocess
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from engine import PYTHON_NO_OP, SHELL_TRUE, Counting, Installation, resolved_job
from instances import bare_python_rate, bare_zygote_rate


def recorded_rate(step: Mapping[str, Any], count: int, concurrency: int) -> float:
    """Instances a second, from a warm engine."""
    installation = Installation()
    try:
        [uid] = installation.install(["no-op"], resolved_job(step))
        return asyncio.run(_rate(installation, uid, count, concurrency))
    finally:
        installation.close()


def cpu_s() -> float:
    """CPU time so far of this process, and of all that it started and that has ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


async def _rate(installation: Installation, uid: str, count: int, concurrency: int) -> float:
    warm_up = Counting(concurrency)
    engine = installation.engine(warm_up, concurrency)
    installation.due(uid, "no-op", concurrency)
    engine.start()
    await warm_up.done.wait()
    installation.due(uid, "no-op", count, start=concurrency)
    warm_up.left = count
    warm_up.done.clear()
    begun = time.perf_counter()
    engine.look()
    await warm_up.done.wait()
    seconds = warm_up.ended_at - begun
    await engine.stop(0)
    return count / seconds


def bare_popen_rate(count: int) -> float:
    """Bare subprocess.Popen(["/bin/true"]) a second, one after the other."""
    begun = time.perf_counter()
    for _ in range(count):
        subprocess.Popen(["/bin/true"]).wait()
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Measure alternately, so that all see the same machine; the median of the ratios counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    count, concurrency = arguments.count, arguments.concurrency
    ratios: dict[str, list[float]] = {"zygote": [], "python": [], "popen": [], "cpu": [], "shell_cpu": []}
    for _ in range(arguments.rounds):
        spent = [cpu_s()]

        def spending(rate: float, spent: list[float] = spent) -> float:
            spent.append(cpu_s())
            return rate

        zygote = spending(bare_zygote_rate(count, concurrency))
        python = spending(bare_python_rate(count // 15, concurrency))
        ours = spending(recorded_rate(PYTHON_NO_OP, count, concurrency))
        zygote = (zygote + spending(bare_zygote_rate(count, concurrency))) / 2
        python = (python + spending(bare_python_rate(count // 15, concurrency))) / 2
        popen = spending(bare_popen_rate(count))
        shell = spending(recorded_rate(SHELL_TRUE, count, concurrency))
        popen = (popen + spending(bare_popen_rate(count))) / 2
        before, _, of_ours, after, _, popen_before, of_shell, popen_after = (
            b - a for a, b in pairwise(spent)
        )
        ratios["cpu"].append((before + after) / 2 / of_ours)
        ratios["shell_cpu"].append((popen_before + popen_after) / 2 / of_shell)
        ratios["zygote"].append(ours / zygote)
        ratios["python"].append(ours / python)
        ratios["popen"].append(shell / popen)
        print(
            f"python {ours:6.0f}/s  bare zygote {zygote:6.0f}/s  python -c pass {python:5.0f}/s  |  "
            f"shell {shell:6.0f}/s  bare Popen {popen:6.0f}/s",
            flush=True,
        )
    middle = {name: sorted(values)[len(values) // 2] for name, values in ratios.items()}
    print(f"python instances to a bare zygote: {middle['zygote']:.2f} (target 0.4)")
    print(f"python instances to python -c pass: {middle['python']:.1f} (target 5)")
    print(f"shell instances to bare Popen: {middle['popen']:.2f} (target 0.4)")
    print(f"the same by CPU time: zygote {middle['cpu']:.2f}, Popen {middle['shell_cpu']:.2f}")


if __name__ == "__main__":
    main()
