"""What `runner up` costs while nothing is due: memory and CPU, with 1,000 installed jobs.

Usage: python benchmarks/idle.py [--jobs 1000] [--seconds 30]

Memory is the proportional set size of the daemon and all that it started, from smaps_rollup; CPU is the
time that they used, as a share of one core. Floor, in the same run: a Python that sleeps.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from daemon import Project, descendants

MIB = 1024
LITTLE_S = 0.1
"""CPU time in two seconds: with very many jobs a look now and then costs some."""


def pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_zygote(pid: int) -> bool:
    return b"runner.execution.start_zygote" in Path(f"/proc/{pid}/cmdline").read_bytes()


def settle(pid: int) -> None:
    """Return when what was started for the first look is gone, and little has been done for two seconds."""
    used = float("-inf")
    while (now := sum(map(cpu_s, descendants(pid)))) - used > LITTLE_S or len(descendants(pid)) > 2:
        used = now
        time.sleep(2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    project = Project()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    try:
        for number in range(arguments.jobs):
            project.declare(f"job-{number}", schedule=f'{{cron: "{number % 60} 2 29 2 *"}}')
        daemon = project.up()
        time.sleep(3)
        settle(daemon)
        before = sum(map(cpu_s, descendants(daemon)))
        time.sleep(arguments.seconds)
        processes = descendants(daemon)
        used = (sum(map(cpu_s, processes)) - before) / arguments.seconds
        together = sum(map(pss_kib, processes)) / MIB
        zygote = sum(pss_kib(pid) for pid in processes if is_zygote(pid)) / MIB
        bare = pss_kib(sleeper.pid) / MIB
    finally:
        project.close()
        sleeper.kill()
        sleeper.wait()
    print(
        f"memory of {len(processes)} processes {together:6.1f} MiB (target 80); "
        f"a sleeping Python {bare:.1f} MiB"
    )
    print(f"zygote alone          {zygote:6.1f} MiB (target 16)")
    print(f"CPU over {arguments.seconds:.0f} s        {used:6.2%} of one core (target 1 %)")


if __name__ == "__main__":
    main()
