"""Shell steps through the supervisor, against bare processes of the same program.

Usage: python benchmarks/shell.py [--count 1000] [--concurrency 8]

The floor, measured in the same run: subprocess.Popen(["/bin/true"]) and wait, as many at once.
"""

from __future__ import annotations

import argparse
import subprocess
import time

from instances import supervised_rate, with_cpu_us


def bare_rate(count: int, concurrency: int) -> float:
    """Programs a second."""
    live: list[subprocess.Popen[bytes]] = []
    begun = time.perf_counter()
    for _ in range(count):
        if len(live) == concurrency:
            live.pop(0).wait()
        live.append(subprocess.Popen(["/bin/true"]))
    for process in live:
        process.wait()
    return count / (time.perf_counter() - begun)


def main() -> None:
    """Measure alternately, so that both see the same machine; the median of the ratios counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    steps: list[dict[str, object]] = [{"name": "run", "kind": "shell", "action": {"argv": ["/bin/true"]}}]
    count, concurrency = arguments.count, arguments.concurrency
    rows = []
    for _ in range(arguments.rounds):
        ours, ours_us = with_cpu_us(count, lambda: supervised_rate(count, concurrency, steps))
        floor, floor_us = with_cpu_us(count, lambda: bare_rate(count, concurrency))
        rows.append((ours / floor, ours, floor))
        print(
            f"shell steps {ours:7.0f}/s {ours_us:5.0f} µs CPU   bare Popen {floor:7.0f}/s {floor_us:5.0f} µs",
            flush=True,
        )
    ratio = sorted(rows)[len(rows) // 2][0]
    print(f"ratio to bare Popen: {ratio:.2f} (target 0.4)")


if __name__ == "__main__":
    main()
