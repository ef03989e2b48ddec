"""How long a person waits for a command.

Usage: python benchmarks/commands.py [--rounds 9]

Wall time of whole processes, medians, each as a ratio to `python -c pass` in the same run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from daemon import RUNNER, Project

JOBS = 1000
SMALL = 10


def seconds(argv: list[str], project: Project) -> float:
    begun = time.perf_counter()
    subprocess.run(argv, cwd=project.folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def a_project(jobs: int) -> Project:
    project = Project()
    for number in range(jobs):
        project.declare(f"job-{number}", schedule=f'{{cron: "{number % 60} 2 * * *"}}')
    return project


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    large, small = a_project(JOBS), a_project(SMALL)
    try:
        seconds([*RUNNER, "reconcile", "--create"], large)
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], small, None),
            "runner --help": ([*RUNNER, "--help"], small, None),
            f"runner jobs list, {JOBS} jobs": ([*RUNNER, "jobs", "list"], large, 250),
            f"runner validate, {SMALL} files": ([*RUNNER, "validate"], small, 500),
        }
        took: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(arguments.rounds):  # in turns, so that a busy moment of the machine meets all of them
            for name, (argv, project, _) in commands.items():
                took[name].append(seconds(argv, project) * 1000)
    finally:
        large.close()
        small.close()
    floor = statistics.median(took["python -c pass"])
    for name, (_, _, target) in commands.items():
        middle = statistics.median(took[name])
        aim = f"   (target {target} ms)" if target else ""
        print(f"{name:30} {middle:7.1f} ms   {middle / floor:5.1f} x python{aim}")


if __name__ == "__main__":
    main()
