"""10,000 enabled jobs over 200 schedules: what do their next slots cost, and when does the first one start?

    python benchmarks/schedules.py [JOBS] [--up-only | --slots-only]

- slots: the next slot of every job after a restart, against computing the 200 schedules once (issue figure:
  at most 2 x), each in a process of its own, with empty caches; medians;
- up: from the start of the process of `runner up` until the first slot that falls due has started (figure: a
  slot that is due is started within 3 s); the tree is unchanged since the last apply.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from daemon import RUNNER, Project, descendants

SCHEDULES = 200
RUNS = 7
_SLOTS = """
import json, sys, time
from datetime import datetime, UTC
from runner.schedules.kinds import schedule_from
declared = json.loads(sys.stdin.read())
import croniter  # what every daemon has imported by then
now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
began = time.perf_counter()
for settings in declared:
    schedule_from(settings).next_after(now)
print(time.perf_counter() - began)
"""


def settings_of(number: int) -> dict[str, object]:
    """One of 200: daily, weekly, monthly, on last days and nth weekdays, hourly, in four zones."""
    crons = ("{m} {h} * * *", "{m} {h} * * mon-fri", "{m} {h} 1 * *", "{m} {h} L * *", "{m} {h} * * 1#2",
             "{m} * * * *", "*/15 {h} * * *", "{m} {h} LW * *")  # fmt: skip
    zones = ("Europe/Zurich", "America/New_York", "UTC", "Asia/Tokyo")
    each = number % SCHEDULES
    cron = crons[each % len(crons)].format(m=each % 60, h=each % 23)
    return {"cron": cron, "timezone": zones[each // len(crons) % len(zones)]}


def measured(settings: list[dict[str, object]]) -> float:
    text = json.dumps(settings)
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", _SLOTS], input=text, capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(RUNS)
    ]
    return statistics.median(times)


def slots(jobs: int) -> None:
    alone = measured([settings_of(number) for number in range(SCHEDULES)])
    every = measured([settings_of(number) for number in range(jobs)])
    ratio = f"{every / alone:4.2f} x (target 2 x)"
    times = f"{SCHEDULES} schedules {alone * 1000:.1f} ms, {jobs} jobs {every * 1000:.1f} ms"
    print(f"next slots: {times}: {ratio}")


def up(jobs: int) -> None:
    project = Project()
    try:
        for number in range(jobs):
            each = settings_of(number)
            project.declare(f"job-{number}", schedule=json.dumps(each))
        project.declare("first", schedule="{every: 1s}")
        subprocess.run(
            [*RUNNER, "reconcile", "--create"], cwd=project.folder, check=True, capture_output=True
        )
        for told in ("first after the apply", "again"):
            began = time.time()
            daemon = subprocess.Popen([*RUNNER, "up"], cwd=project.folder, stdout=subprocess.PIPE, text=True)
            started, slot = _first_start(project, began)
            used = sum(map(_cpu_s, descendants(daemon.pid)))
            daemon.send_signal(signal.SIGTERM)
            daemon.communicate(timeout=120)
            first = f"first start {started - began:.2f} s after the process (target 3 s)"
            late = f"{(started - slot) * 1000:.0f} ms after its slot"
            print(f"up with {jobs} jobs ({told}): {first}, {late}; processor time {used:.2f} s")
    finally:
        project.close()


def _cpu_s(pid: int) -> float:
    """With that of children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _first_start(project: Project, began: float) -> tuple[float, float]:
    """When the first run after `began` started, and its slot."""
    database = sqlite3.connect(project.state / "runner.db")
    since = datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds")
    text = since.replace("+00:00", "Z")
    while True:
        row = database.execute(
            "SELECT first_started_at, slot_at FROM job_instances WHERE first_started_at >= ? AND slot_at >= ?"
            " ORDER BY id LIMIT 1",
            (text, text),
        ).fetchone()
        if row is not None:
            database.close()
            first, slot = (datetime.fromisoformat(each).timestamp() for each in row)
            return first, slot
        if time.time() - began > 300:
            raise SystemExit("nothing was started")
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobs", type=int, nargs="?", default=10_000)
    parser.add_argument("--up-only", action="store_true")
    parser.add_argument("--slots-only", action="store_true")
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    if not arguments.up_only:
        slots(arguments.jobs)
    if not arguments.slots_only:
        up(arguments.jobs)


if __name__ == "__main__":
    main()
