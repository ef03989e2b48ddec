"""`runner up` as a process of its own, and what a test wants to see of it."""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import sqlite3
import subprocess
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.imported_runner import Started, run_runner, start_runner

PATIENCE_S = 60.0
"""Longest wait for an event on a loaded machine; nothing is ever waited for that long when all is well."""


class Project:
    """A folder with declarations, and the commands that are run in it."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.state = folder / ".runner"
        self.environment = environment or {}
        """What its commands have beside the tests' own."""

    def declare(self, name: str, text: str) -> Path:
        """Write one declaration, atomically, as an editor does."""
        path = self.folder / "jobs.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.swp")
        temporary.write_text(textwrap.dedent(text))
        temporary.replace(path)
        return path

    def job(self, name: str, script: str, *, schedule: str | None = None, more: str = "") -> Path:
        """A job of one shell step; enabled."""
        lines = [
            "apiVersion: jobs.runner/v1",
            "kind: Job",
            f"metadata: {{name: {name}}}",
            "spec:",
            "  enabled: true",
            *([f"  schedule: {schedule}"] if schedule else []),
            *(f"  {line}" for line in textwrap.dedent(more).strip().splitlines()),
            "  steps:",
            "    - name: work",
            "      shell: |",
            *(f"        {line}" for line in textwrap.dedent(script).strip().splitlines()),
        ]
        return self.declare(f"{name}.yaml", "\n".join(lines) + "\n")

    def run(self, *arguments: str, check: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of the runner here; `check` is the exit code that is expected."""
        result = run_runner(
            *arguments, cwd=self.folder, timeout_s=2 * PATIENCE_S, env={**os.environ, **self.environment}
        )
        if check is not None:
            assert result.returncode == check, (
                f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
            )
        return result

    def start(self, *arguments: str) -> Started:
        """Start a command of the runner here, and do not wait for it."""
        return start_runner(
            *arguments,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What the database says, as a person with sqlite3 would ask it."""
        connection = sqlite3.connect(f"file:{self.state / 'runner.db'}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def until(
        self, sql: str, *values: Any, holds: Callable[[list[dict[str, Any]]], bool] = bool
    ) -> list[dict[str, Any]]:
        """Ask again until the answer holds; the answer."""
        deadline = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while True:
            try:
                rows = self.rows(sql, *values)
            except sqlite3.OperationalError:
                rows = []
            if holds(rows):
                return rows
            assert time.monotonic() < deadline, f"still {rows!r} for {sql}"
            pause.wait(0.02)

    @contextmanager
    def up(self, *arguments: str) -> Iterator[Daemon]:
        """A running daemon; ended with the block, if it has not ended before."""
        daemon = Daemon(self, arguments)
        try:
            yield daemon
        finally:
            daemon.end()


class Daemon:
    """One `runner up`, with its lines as they come."""

    def __init__(self, project: Project, arguments: tuple[str, ...]) -> None:
        self._project = project
        self.process = start_runner(
            "up",
            *arguments,
            cwd=project.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **project.environment, "PYTHONUNBUFFERED": "1"},
        )
        self.lines: list[str] = []
        self._new: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def presses(self, number: int, pattern: str) -> str:
        """Send the signal, as people do, until a line matches: one that comes too soon is not heard."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.signal(number)
            try:
                return self.sees(pattern, within_s=0.5)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise

    def sees(self, pattern: str, within_s: float = PATIENCE_S) -> str:
        """The next line that matches; fails, with all that was printed, when it does not come."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                line = self._new.get(timeout=max(deadline - time.monotonic(), 0.01))
            except queue.Empty:
                raise AssertionError(f"no line like {pattern!r} in:\n{self.text()}") from None
            if line is None:
                raise AssertionError(f"ended without a line like {pattern!r}:\n{self.text()}")
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def text(self) -> str:
        """All that was printed so far."""
        return "\n".join(self.lines)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop_between_writes(self) -> None:
        """Stop it (SIGSTOP) at a moment when others can write.

        A stopped process keeps its locks: one that is stopped in the midst of a write lets nobody else
        write until it goes on. Where that has happened it goes on for a moment, and is stopped again.
        """
        until(self._stops_between_writes, "it can be stopped while it writes nothing")

    def _stops_between_writes(self) -> bool:
        self.signal(signal.SIGSTOP)
        until(lambda: states_of_threads(self.pid) <= {"T", "t"}, "all of its threads are stopped")
        other = sqlite3.connect(self._project.state / "runner.db", isolation_level=None, timeout=0)
        try:
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        except sqlite3.OperationalError:
            self.signal(signal.SIGCONT)
            return False
        finally:
            other.close()
        return True

    def wait(self) -> int:
        """Its exit code, once it has ended; the rest of its lines are kept."""
        code = self.process.wait(timeout=PATIENCE_S)
        self._reader.join(timeout=PATIENCE_S)
        while (line := self._new.get()) is not None:
            self.lines.append(line)
        return code

    def kill(self) -> None:
        """As the out-of-memory killer does it: no goodbye."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)  # a stopped one could not obey
            try:
                self.process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(timeout=PATIENCE_S)


def is_running(pid: int) -> bool:
    """Whether a process with this id is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def states_of_threads(pid: int) -> set[str]:
    """The states of all threads of a process, as one letter each (proc(5))."""
    states = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # it has just ended
            states.add((thread / "stat").read_text().rpartition(")")[2].split()[0])
    return states


def a_free_port() -> int:
    """One that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        pause.wait(0.02)
