"""Durable checkpoints a second from `perform`, against the bare loop and against DBOS on SQLite.

    python benchmarks/checkpoints.py [--count 3000] [--rounds 3] [--dbos PYTHON]

The floor, in the same run and alternating with ours: a child sends a state as a line of JSON, its parent
writes it into SQLite (WAL, synchronous=FULL) in a transaction of its own and acknowledges. Ours: the whole
engine, a class whose `perform` counts. `--dbos` is a Python that has `dbos` (`python -m venv D && D/bin/pip
install dbos`): a workflow of a third as many steps, which do nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from engine import Counting, Installation, resolved_job

SOURCE = """
from runner import Job, Status

class Counter(Job):
    def prepare(self, params, status):
        return Status({{"n": 0}})

    def perform(self, status):
        status.state["n"] += 1
        return Status(status.state, complete=status.state["n"] > {count})
"""

DBOS = """
import sys, time
from dbos import DBOS, DBOSConfig
folder, count = sys.argv[1], int(sys.argv[2])
DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/dbos.sqlite", "log_level": "ERROR"})

@DBOS.step()
def step(n):
    return n

@DBOS.workflow()
def count_up(count):
    begun = time.perf_counter()
    for n in range(count):
        step(n)
    return count / (time.perf_counter() - begun)

DBOS.launch()
count_up(50)
print("rate", count_up(count))
DBOS.destroy()
"""


def our_rate(count: int) -> float:
    """Checkpoints a second of one instance, from the start of its process to its recorded end."""
    installation = Installation()
    try:
        action = {"source": SOURCE.format(count=count), "class": "Counter"}
        spec = resolved_job({"name": "run", "kind": "python", "action": action})
        [uid] = installation.install(["counter"], spec)
        return asyncio.run(_rate(installation, uid, count))
    finally:
        installation.close()


async def _rate(installation: Installation, uid: str, count: int) -> float:
    started: list[float] = []
    counting = Counting(1, lambda _: started.append(time.perf_counter()))
    engine = installation.engine(counting, 1)
    installation.due(uid, "counter", 1)
    engine.start()
    await counting.done.wait()
    await engine.stop(0)
    return count / (counting.ended_at - started[0])


def bare_rate(count: int) -> float:
    """The bare loop: line, transaction, acknowledgement."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE state (id INTEGER PRIMARY KEY, data TEXT)")
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            for n in range(count):
                theirs.sendall(json.dumps({"n": n}).encode() + b"\n")
                theirs.recv(100)
            os._exit(0)
        theirs.close()
        begun = time.perf_counter()
        for _ in range(count):
            line = ours.recv(1000)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT OR REPLACE INTO state VALUES (1, ?)", (line.decode(),))
            connection.execute("COMMIT")
            ours.sendall(b"ok\n")
        seconds = time.perf_counter() - begun
        os.waitpid(child, 0)
        ours.close()
        connection.close()
        return count / seconds


def dbos_rate(python: str, count: int) -> float:
    """Steps a second of one DBOS workflow on SQLite."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [python, "-c", DBOS, folder, str(count)], cwd=folder, capture_output=True, text=True, check=False
        )
    rates = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("rate ")]
    if not rates:
        raise SystemExit(f"DBOS did not run:\n{ran.stdout}{ran.stderr}")
    return float(rates[0])


def main() -> None:
    """Measure alternately, so that all see the same machine; the median of the ratios counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dbos", metavar="PYTHON")
    arguments = parser.parse_args()
    to_bare, to_dbos = [], []
    for _ in range(arguments.rounds):
        ours, bare = our_rate(arguments.count), bare_rate(arguments.count)
        to_bare.append(ours / bare)
        line = f"checkpoints {ours:7.0f}/s   bare loop {bare:7.0f}/s   {ours / bare:.2f} x"
        if arguments.dbos:
            steps = dbos_rate(arguments.dbos, arguments.count // 3)
            to_dbos.append(ours / steps)
            line += f"   DBOS {steps:6.0f}/s   {ours / steps:.1f} x"
        print(line)
    print(f"median: {statistics.median(to_bare):.2f} x the bare loop (target 0.5 x)")
    if to_dbos:
        print(f"median: {statistics.median(to_dbos):.1f} x DBOS (target 4 x)")


if __name__ == "__main__":
    main()
