"""10,000 objects in git: how long do plan, apply and one changed file take, against floors of the same run?

    python benchmarks/gitops.py [OBJECTS]

- apply of as many new objects (figure: 10 s, under 400 MiB), against inserting as many bare rows;
- plan with 100 changed files, as the command, wall (figure: 1.5 s), against `git diff --stat` of the same;
- one changed file, from its commit to installed, as the command (figure: 2 s), against scandir and stat;
- the same by a daemon that follows the repository, from the commit until `reconcile --with-source --wait` has
  its answer (figure: 2 s, without the interval), against a bare `git fetch` and `git checkout` of the commit.
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
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def following(project: Path, repository: Path) -> Iterator[None]:
    """A daemon that has applied the repository, and looks at it again only when it is asked."""
    project.mkdir()
    command = [RUNNER, "up", "--git", f"file://{repository}", "--interval", "1h"]
    with (project / "up.log").open("wb") as log:
        daemon = subprocess.Popen(command, cwd=project, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 300
        while not (project / ".runner" / "runner.db").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        while time.monotonic() < deadline:
            asked = subprocess.run(
                [RUNNER, "reconcile", "--with-source"], cwd=project, check=False, capture_output=True
            )
            if asked.returncode == 0:
                break
            time.sleep(0.5)
        else:
            raise SystemExit((project / "up.log").read_text())
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def by_the_agent(made: Path, repository: Path) -> tuple[list[float], list[float]]:
    """Seconds from a commit until the daemon has it applied, and of a bare fetch and checkout of the same."""
    git(repository, "config", "uploadpack.allowFilter", "true")
    bare = made / "bare-git"
    git(made, "clone", "-q", "--filter=blob:none", f"file://{repository}", str(bare))
    synced, fetched = [], []
    with following(made / "follows", repository):
        for round_ in range(ROUNDS):
            change(repository, 1, 100 + round_)
            git(repository, "commit", "-qam", "one")
            commit = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repository, text=True).strip()
            synced.append(
                run(made / "follows", RUNNER, "reconcile", "--with-source", "main", "--wait", commit)
            )
            fetched.append(
                git(bare, "fetch", "-q", "origin") + git(bare, "checkout", "-q", "--detach", commit)
            )
    return synced, fetched


def main(objects: int) -> None:
    with tempfile.TemporaryDirectory() as made:
        project = Path(made) / "project"
        project.mkdir()
        make_tree(project / "jobs.d", objects)
        git(project, "init", "-q", "-b", "main")
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
        agent, fetch = by_the_agent(Path(made), project)
    planned, diffed, synced, scanned = (statistics.median(each) for each in (plan, diff, sync, floor))
    followed, fetched = statistics.median(agent), statistics.median(fetch)
    print(f"{objects} objects, {os.cpu_count()} cores, medians of {ROUNDS}")
    print(
        f"apply, all new        {apply_s:6.2f} s   {apply_s / raw_s:5.1f} x bare inserts"
        f"   {peak_mib:4.0f} MiB"
    )
    print(f"plan, 100 changed     {planned:6.2f} s   {planned / diffed:5.1f} x git diff --stat")
    print(f"one file, committed   {synced:6.2f} s   {synced / scanned:5.1f} x scandir and stat")
    print(f"one file, followed    {followed:6.2f} s   {followed / fetched:5.1f} x git fetch and checkout")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
