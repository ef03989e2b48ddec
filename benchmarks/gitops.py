"""10,000 objects in git: how long do plan, apply and one changed file take, against floors of the same run?

    python benchmarks/gitops.py [OBJECTS]

- apply of as many new objects (figure: 10 s, under 400 MiB), against inserting as many bare rows;
- plan with 100 changed files, as the command, wall (figure: 1.5 s), against `git diff --stat` of the same;
- one changed file, from its commit to installed, as the command (figure: 2 s), against scandir and stat.
"""

from __future__ import annotations

import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plan_10k import make_tree, scan_and_stat, timed

RUNNER = str(Path(sys.executable).parent / "runner")
ROUNDS = 5


def run(project: Path, *argv: str) -> float:
    """Seconds that a command takes there; it must succeed."""
    began = time.perf_counter()
    subprocess.run(argv, cwd=project, check=True, capture_output=True)
    return time.perf_counter() - began


def git(project: Path, *arguments: str) -> float:
    return run(project, "git", "-c", "user.name=b", "-c", "user.email=b@example.org", *arguments)


def raw_inserts(folder: Path, rows: int) -> float:
    """The floor of an apply: an object and its revision as bare rows, in one durable transaction."""
    connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE objects (uid TEXT PRIMARY KEY, name TEXT, digest TEXT)")
    connection.execute("CREATE TABLE revisions (uid TEXT, declared TEXT, resolved TEXT)")
    text = "x" * 1500
    began = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for number in range(rows):
        connection.execute("INSERT INTO objects VALUES (?, ?, ?)", (f"u{number}", f"job-{number}", "d" * 64))
        connection.execute("INSERT INTO revisions VALUES (?, ?, ?)", (f"u{number}", text, text))
    connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def change(project: Path, files: int, round_: int) -> None:
    for number in range(files):
        file = project / "jobs.d" / f"team-{number}" / f"job-{number * 100}.yaml"
        text = file.read_text()
        before = text[text.index("timeout: ") :].split("\n")[0]
        text = text.replace(before, f"timeout: {31 + round_}m")
        file.write_text(text.replace('" 2 * * *"', '" 3 * * *"').replace(" 2 * * *", " 3 * * *"))


def main(objects: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        make_tree(project / "jobs.d", objects)
        git(project, "init", "-q")
        (project / ".gitignore").write_text(".runner/\n")
        git(project, "add", "-A")
        git(project, "commit", "-qm", "all")
        apply_s = run(project, RUNNER, "reconcile", "--create")
        peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        raw_s = raw_inserts(project, objects)
        time.sleep(2.1)
        run(project, RUNNER, "plan")

        plan, diff, sync, floor = [], [], [], []
        for round_ in range(ROUNDS):
            change(project, min(100, objects // 100), round_)
            plan.append(run(project, RUNNER, "plan"))
            diff.append(git(project, "diff", "--stat"))
            git(project, "checkout", "-q", "--", ".")
            run(project, RUNNER, "plan")
            change(project, 1, round_)
            began = time.perf_counter()
            git(project, "commit", "-qam", "one")
            run(project, RUNNER, "reconcile")
            sync.append(time.perf_counter() - began)
            floor.append(timed(lambda: scan_and_stat(project / "jobs.d")))
    planned, diffed, synced, scanned = (statistics.median(each) for each in (plan, diff, sync, floor))
    print(f"{objects} objects, {os.cpu_count()} cores, medians of {ROUNDS}")
    print(
        f"apply, all new        {apply_s:6.2f} s   {apply_s / raw_s:5.1f} x bare inserts"
        f"   {peak_mib:4.0f} MiB"
    )
    print(f"plan, 100 changed     {planned:6.2f} s   {planned / diffed:5.1f} x git diff --stat")
    print(f"one file, committed   {synced:6.2f} s   {synced / scanned:5.1f} x scandir and stat")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
