"""1,000 jobs due at the same instant, at most 50 at once: when do the first and the last begin?

Usage: python benchmarks/burst.py [--jobs 1000] [--parallel 50] [--rounds 3]

A whole engine with its database. Each job notes the wall clock as its first instruction, in the cheapest way
(a text file opened by each cost a third of a bare start); the slot is an `at` a few seconds ahead. Floor, in
the same run: the rate of a bare lean zygote, which would need jobs / rate seconds for all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime, timedelta

from engine import Counting, Installation, resolved_job
from instances import bare_zygote_rate

_SOURCE = """
import time
at = time.time()
import os
os.write(os.open({path!r}, os.O_WRONLY | os.O_APPEND), str(at).encode() + b" ")
"""
AHEAD_S = 4


def starts_after_slot(jobs: int, parallel: int) -> list[float]:
    """Seconds from the common slot to the first instruction of each job, sorted."""
    installation = Installation()
    try:
        clocks = installation.project / "clocks"
        clocks.touch()
        now = datetime.now(UTC)
        slot = (now + timedelta(seconds=AHEAD_S)).replace(microsecond=0)
        action = {"source": _SOURCE.format(path=str(clocks))}
        schedule = {"at": slot.isoformat(), "timezone": "UTC", "jitter": None, "startDeadline": None}
        spec = resolved_job({"name": "run", "kind": "python", "action": action}, schedule)
        installation.install([f"job-{number}" for number in range(jobs)], spec, watermark=now)
        if datetime.now(UTC) > slot - timedelta(seconds=1):
            raise SystemExit("installing the jobs took too long; the machine is too busy to measure")
        asyncio.run(_run(installation, jobs, parallel))
        return sorted(float(line) - slot.timestamp() for line in clocks.read_text().split())
    finally:
        installation.close()


async def _run(installation: Installation, jobs: int, parallel: int) -> None:
    counting = Counting(jobs)
    engine = installation.engine(counting, parallel)
    engine.start()
    await counting.done.wait()
    await engine.stop(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--parallel", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    for _ in range(arguments.rounds):
        starts = starts_after_slot(arguments.jobs, arguments.parallel)
        rate = bare_zygote_rate(arguments.jobs, 8)
        time.sleep(0.2)
        possible = arguments.jobs / rate
        rows.append((starts[-1] / possible, starts[0], starts[-1], possible))
        print(
            f"first {starts[0] * 1000:6.1f} ms after its slot, last {starts[-1]:5.2f} s; "
            f"bare zygote {possible:5.2f} s",
            flush=True,
        )
    firsts = sorted(first for _, first, _, _ in rows)
    ratio, _, last, possible = sorted(rows)[len(rows) // 2]
    print(f"first start {firsts[len(firsts) // 2] * 1000:.1f} ms after its slot (target 10)")
    print(f"last start {last:.2f} s after its slot: {ratio:.1f} x a bare zygote (target 3)")


if __name__ == "__main__":
    main()
