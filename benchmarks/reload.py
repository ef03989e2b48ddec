"""Hot reload: from the last write of a file to its new revision in the database.

Usage: python benchmarks/reload.py [--jobs 300] [--count 9]

Floor, in the same run: `runner --help`, an interpreter start with the command line's imports.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import subprocess
import time

from daemon import RUNNER, Project

LOOK_S = 0.002
REST_S = 1.5
"""Between two writes, so that the daemon is at rest again."""


def reload_s(project: Project, database: sqlite3.Connection, number: int) -> float:
    """Seconds until the changed job has one revision more."""
    query = "SELECT revision FROM objects WHERE name = 'changing'"
    [(before,)] = database.execute(query)
    project.declare("changing", source=f"number = {number}")
    begun = time.perf_counter()
    while database.execute(query).fetchone()[0] == before:
        time.sleep(LOOK_S)
    return time.perf_counter() - begun


def main() -> None:
    """Write, wait, rest; the median counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--count", type=int, default=9)
    arguments = parser.parse_args()
    project = Project()
    try:
        for number in range(arguments.jobs):
            project.declare(f"job-{number}")
        project.declare("changing")
        project.up()
        database = sqlite3.connect(f"file:{project.state / 'runner.db'}?mode=ro", uri=True)
        taken, floors = [], []
        for number in range(arguments.count):
            time.sleep(REST_S)
            taken.append(reload_s(project, database, number))
            begun = time.perf_counter()
            subprocess.run([*RUNNER, "--help"], stdout=subprocess.DEVNULL, check=True)
            floors.append(time.perf_counter() - begun)
        middle, floor = statistics.median(taken), statistics.median(floors)
        print(
            f"reload, {arguments.jobs + 1} jobs   {middle:.2f} s, {max(taken):.2f} s at worst   (target 1 s)"
        )
        print(f"runner --help       {floor:.2f} s   ratio {middle / floor:.1f}")
        database.close()
    finally:
        project.close()


if __name__ == "__main__":
    main()
