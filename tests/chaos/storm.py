"""A real daemon under load, processes of which are killed with -9 again and again, and what must hold then.

All of a storm's choices come from its seed; what the machine does between them does not.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import threading
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.acceptance.running_daemon import Daemon, Project, is_running, until

ENDED = ("SUCCEEDED", "FAILED")
"""What the last run saved goes with it, or with the job's next success (I12, I14)."""

STOPPED = "zygote, stopped"
VICTIMS = ("daemon", "zygote", STOPPED, "child", "child")
LONGEST_WAIT_S = 0.7
"""Before a kill; runs take up to half a second."""

# Whoever finds the lock of its own instance taken is the second process of that instance.
ALONE = """\
import fcntl, os
mine = open(f"{here}/locks/{{os.environ['RUNNER_JOB']}}-{{os.environ['RUNNER_INSTANCE']}}", "a")
try:
    fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open("{here}/twice", "a").write(os.environ["RUNNER_JOB"] + " " + os.environ["RUNNER_INSTANCE"] + "\\n")
"""


# A state that `perform` is called with has been recorded: its number is noted outside of the database.
COUNTS = """\
{alone}
import os, time
from runner import Job, Status


class Counts(Job):
    def perform(self, status):
        counted = status.state.get("counted", 0)
        noted = "{here}/counted/" + os.environ["RUNNER_INSTANCE"]
        with open(noted + ".new", "w") as file:
            file.write(str(counted))
        os.replace(noted + ".new", noted)
        time.sleep(0.03)
        done = {{"counted": counted + 1}}
        return Status(done, complete=counted == 9, outputs=done if counted == 9 else None)
"""

# Longer than a process may wait (60 s): it ends, and another one goes on.
NAPS = """\
import time
def run(job):
    job.state.setdefault("began", time.time())
    job.sleep(62)
    return {"slept": time.time() - job.state["began"] >= 61}
"""


class Storm:
    """One project, its daemon, and the dice."""

    def __init__(self, folder: Path, seed: int, *, naps: bool = False) -> None:
        self.project = Project(folder)
        self.naps = naps
        self.dice = random.Random(seed)
        self.seed = seed
        self.killed: Counter[str] = Counter()
        (folder / "locks").mkdir()
        (folder / "counted").mkdir()
        (folder / "tried").mkdir()
        self._declare()
        self.daemon = Daemon(self.project, ())
        self.daemon.sees(r"^idle|next|start")

    def _declare(self) -> None:
        here = self.project.folder
        alone = ALONE.format(here=here)
        self._python("ticks", alone + "import time; time.sleep(0.05)", every="1s")
        self._python("sleeps", alone + "import time; time.sleep(0.4)", every="1s", more="onCrash: resume")
        self._python("fails", alone + "raise ValueError('as it should')", every="2s", more="failAfter: never")
        self.project.declare(
            "steps.yaml",
            f"""\
            apiVersion: jobs.runner/v1
            kind: Job
            metadata: {{name: steps}}
            spec:
              enabled: true
              schedule: {{every: 1s}}
              missed: {{policy: all, maxAge: 24h, maxRuns: 1000}}
              concurrency: {{policy: allow}}
              onCrash: resume
              steps:
                - name: locked
                  shell: |
                    exec 9>>{here}/locks/steps-$RUNNER_INSTANCE
                    flock -n 9 || echo "steps $RUNNER_INSTANCE" >> {here}/twice
                    sleep 0.1
                - {{name: second, shell: sleep 0.1}}
                - {{name: third, python: {{source: pass}}}}
            """,
        )
        self.project.declare(
            "rows.yaml",
            f"""\
            apiVersion: jobs.runner/v1
            kind: Connection
            metadata: {{name: counted}}
            spec: {{url: "sqlite:///{here}/counted.db"}}
            ---
            apiVersion: jobs.runner/v1
            kind: Job
            metadata: {{name: rows}}
            spec:
              enabled: true
              schedule: {{every: 3s}}
              missed: {{policy: all, maxAge: 24h, maxRuns: 1000}}
              concurrency: {{policy: allow}}
              steps:
                - name: count
                  sql:
                    connection: counted
                    statement: INSERT OR IGNORE INTO seen VALUES (:slot)
                    with: {{slot: "${{{{ slot.time }}}}"}}
            """,
        )
        self.project.declare(
            "fleet.yaml",
            f"""\
            apiVersion: jobs.runner/v1
            kind: Inventory
            metadata: {{name: fleet}}
            spec: {{targets: {{edge-1: {{}}, edge-2: {{}}, edge-3: {{}}, edge-4: {{}}}}}}
            ---
            apiVersion: jobs.runner/v1
            kind: Job
            metadata: {{name: fleet}}
            spec:
              enabled: true
              schedule: {{every: 3s}}
              missed: {{policy: all, maxAge: 24h, maxRuns: 1000}}
              concurrency: {{policy: allow}}
              tasks: {{inventory: fleet, parallel: 2, retryEvery: 1s, expiresIn: 10m}}
              steps:
                - name: visit
                  shell: |
                    exec 9>>{here}/locks/fleet-$RUNNER_INSTANCE-$RUNNER_TARGET
                    flock -n 9 || echo "fleet $RUNNER_INSTANCE $RUNNER_TARGET" >> {here}/twice
                    exec 8>>{here}/locks/target-$RUNNER_TARGET
                    flock -n 8 || echo "two runs at $RUNNER_TARGET" >> {here}/twice
                    sleep 0.1
                    first={here}/tried/$RUNNER_INSTANCE
                    [ $RUNNER_TARGET != edge-3 ] || [ -e $first ] || {{ touch $first; exit 1; }}
            """,
        )
        if self.naps:
            self._long_sleeper(alone)
        self.project.folder.joinpath("jobs.d", "counts.py").write_text(COUNTS.format(alone=alone, here=here))
        self.project.declare(
            "counts.yaml",
            """\
            apiVersion: jobs.runner/v1
            kind: Job
            metadata: {name: counts}
            spec:
              enabled: true
              schedule: {every: 1s}
              missed: {policy: all, maxAge: 24h, maxRuns: 1000}
              concurrency: {policy: allow}
              failAfter: never
              code: {file: counts.py, class: Counts}
              outputs: {counted: "${{ steps.run.outputs.counted }}"}
            """,
        )
        self._table()

    def _long_sleeper(self, alone: str) -> None:
        indented = "".join(f"      {line}\n" for line in (alone + NAPS).splitlines())
        self.project.declare(
            "naps.yaml",
            "apiVersion: jobs.runner/v1\n"
            "kind: Job\n"
            "metadata: {name: naps}\n"
            "spec:\n"
            "  enabled: true\n"
            "  schedule: {every: 5s}\n"
            "  missed: {policy: all, maxAge: 24h, maxRuns: 1000}\n"
            "  concurrency: {policy: allow}\n"
            "  onCrash: resume\n"
            '  outputs: {slept: "${{ steps.run.outputs.slept }}"}\n'
            "  code:\n"
            "    function: run\n"
            "    source: |\n"
            f"{indented}",
        )

    def _table(self) -> None:
        connection = sqlite3.connect(self.project.folder / "counted.db")
        connection.execute("CREATE TABLE seen (slot TEXT PRIMARY KEY)")
        connection.commit()
        connection.close()

    def _python(self, name: str, source: str, *, every: str, more: str = "") -> None:
        indented = "".join(f"          {line}\n" for line in source.splitlines())
        self.project.declare(
            f"{name}.yaml",
            "apiVersion: jobs.runner/v1\n"
            "kind: Job\n"
            f"metadata: {{name: {name}}}\n"
            "spec:\n"
            "  enabled: true\n"
            f"  schedule: {{every: {every}}}\n"
            "  missed: {policy: all, maxAge: 24h, maxRuns: 1000}\n"
            "  concurrency: {policy: allow}\n"
            f"{f'  {more}' + chr(10) if more else ''}"
            "  steps:\n"
            "    - name: work\n"
            "      python:\n"
            "        source: |\n"
            f"{indented}",
        )

    # -- one round

    def round(self) -> None:
        """Kill or stop one process at some moment, have a daemon again, and look whether all is right."""
        threading.Event().wait(self.dice.uniform(0, LONGEST_WAIT_S))
        victim = self.dice.choice(VICTIMS)
        pid = self._pid_of(victim)
        if pid is not None:
            with suppress(ProcessLookupError):  # a child that has just ended
                os.kill(pid, signal.SIGSTOP if victim == STOPPED else signal.SIGKILL)
                self.killed[victim] += 1
        if pid == self.daemon.pid:
            self.daemon.process.wait()
            self.daemon = Daemon(self.project, ())
            self.daemon.sees(r"^idle|next|start")
        self.check()

    def _pid_of(self, victim: str) -> int | None:
        if victim == "daemon":
            return self.daemon.pid
        zygotes = [pid for pid in children_of(self.daemon.pid) if b"zygote" in command_of(pid)]
        found = zygotes if victim in ("zygote", STOPPED) else [pid for z in zygotes for pid in children_of(z)]
        return self.dice.choice(found) if found else None

    # -- what must hold

    def check(self) -> None:
        """Nothing runs twice, no slot is lost or doubled, and what the record calls running runs."""
        twice = self.project.folder / "twice"
        assert not twice.exists(), f"seed {self.seed}: two processes at once of {twice.read_text()}"
        self._slots()
        self._checkpoints()
        until(self._all_live, f"every running instance has a process (seed {self.seed})")

    def _slots(self) -> None:
        rows = self.project.rows(
            "SELECT o.name, s.slot_at, s.decision, s.instance_id FROM slots s JOIN objects o"
            " ON o.uid = s.job_uid ORDER BY o.name, s.slot_at"
        )
        instances = [row["instance_id"] for row in rows if row["decision"] == "instance"]
        assert len(instances) == len(set(instances)), f"seed {self.seed}: one instance for two slots"
        by_job: dict[str, list[datetime]] = {}
        for row in rows:
            assert row["decision"] == "instance", f"seed {self.seed}: {row}"
            by_job.setdefault(row["name"], []).append(datetime.fromisoformat(row["slot_at"]))
        for job, slots in by_job.items():
            apart = timedelta(seconds={"fails": 2, "rows": 3, "fleet": 3, "naps": 5}.get(job, 1))
            gaps = [(a, b) for a, b in pairwise(slots) if b - a != apart]
            assert not gaps, f"seed {self.seed}: slots of {job} are lost or doubled: {gaps}"

    def _checkpoints(self) -> None:
        noted = {
            int(path.name): int(path.read_text())
            for path in (self.project.folder / "counted").iterdir()
            if path.suffix != ".new"
        }
        rows = self.project.rows(
            "SELECT i.id, i.state, d.data FROM job_instances i LEFT JOIN job_state_data d"
            " ON d.instance_id = i.id WHERE i.job = 'counts'"
        )
        for row in rows:
            if row["state"] not in ENDED and (at_least := noted.get(row["id"], 0)):
                counted = json.loads(row["data"])["counted"] if row["data"] else 0
                assert counted >= at_least, f"seed {self.seed}: {row} is older than what was acknowledged"

    def _all_live(self) -> bool:
        rows = self.project.rows("SELECT pid FROM job_instances WHERE state IN ('RUNNING', 'STOPPING')")
        return all(row["pid"] is None or is_running(row["pid"]) for row in rows)

    def settle(self) -> None:
        """Stop in peace; the database is sound, and the next daemon brings everything to an end."""
        self.project.until(  # a short storm may be over before the first slot of one
            "SELECT DISTINCT job FROM job_instances WHERE job IN ('rows', 'fleet')",
            holds=lambda rows: len(rows) == 2,
        )
        for path in (self.project.folder / "jobs.d").glob("*.yaml"):
            path.write_text(re.sub(r"\n +(schedule|missed): .*", "", path.read_text()))
        self.project.run("reconcile")
        self.daemon.signal(signal.SIGTERM)
        assert self.daemon.wait() == 0
        assert self.project.run("db", "check").returncode == 0
        self.daemon = Daemon(self.project, ())
        self._let_sleepers_wake()
        self.project.until(
            "SELECT id, state, reason FROM job_instances WHERE completed_at IS NULL",
            holds=lambda rows: not rows,
        )
        self.check()
        counts = self.project.rows("SELECT state, count(*) AS n FROM job_instances GROUP BY state")
        states = {row["state"]: row["n"] for row in counts}
        assert set(states) <= {"SUCCEEDED", "FAILED", "SKIPPED"}, states
        lost = self.project.rows(
            "SELECT i.id, i.reason FROM job_instances i JOIN objects o ON o.uid = i.job_uid"
            " WHERE i.state = 'FAILED' AND o.name != 'fails' AND i.reason NOT IN ('crash', 'shutdown')"
        )
        assert not lost, f"seed {self.seed}: failed of themselves: {lost}"
        self._naps()
        self._sql_rows()
        visited = self.project.rows(
            "SELECT i.state, count(*) AS n, sum(t.state = 'SUCCEEDED') AS done FROM job_instances i"
            " JOIN tasks t ON t.instance_id = i.id WHERE i.job = 'fleet' GROUP BY i.id"
        )
        all_of_each = {(row["state"], row["n"], row["done"]) for row in visited} == {("SUCCEEDED", 4, 4)}
        assert all_of_each, f"seed {self.seed}: {[tuple(row) for row in visited]}"
        outputs = self.project.rows(
            "SELECT DISTINCT outputs FROM job_instances WHERE job = 'counts' AND state = 'SUCCEEDED'"
        )
        assert [json.loads(row["outputs"]) for row in outputs] == [{"counted": 10}]

    def _let_sleepers_wake(self) -> None:
        asleep = "SELECT id FROM job_instances WHERE state = 'SCHEDULED' AND reason = 'sleeping'"
        for _ in range(3 * 62):
            if not self.project.rows(asleep):
                break
            threading.Event().wait(1)

    def _naps(self) -> None:
        """Whoever slept for long has slept for as long as it asked, whatever was killed meanwhile."""
        naps = self.project.rows("SELECT state, outputs FROM job_instances WHERE job = 'naps'")
        done = [row for row in naps if row["state"] == "SUCCEEDED"]
        assert bool(done) == self.naps
        assert all(json.loads(row["outputs"]) == {"slept": True} for row in done), f"seed {self.seed}: {done}"

    def _sql_rows(self) -> None:
        """What is recorded as done has been committed where it was done."""
        connection = sqlite3.connect(self.project.folder / "counted.db")
        done = connection.execute("SELECT count(*) FROM seen").fetchone()[0]
        connection.close()
        [recorded] = self.project.rows(
            "SELECT count(*) AS n FROM job_instances WHERE job = 'rows' AND state = 'SUCCEEDED'"
        )
        assert done >= recorded["n"], f"seed {self.seed}: {done} rows of {recorded['n']} slots"

    def end(self) -> None:
        """Whatever is left, ends."""
        self.daemon.end()


def children_of(pid: int) -> list[int]:
    """The direct children of a process."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        pass
    return found


def command_of(pid: int) -> bytes:
    """What the process was started as; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
