"""A real supervisor on a real loop, and words for what a test waits for."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.execution.logs import read_log
from runner.execution.order import Began, Checkpointed, Ended, Order, Progressed, Report, StepReported
from runner.execution.supervisor import Supervisor


def a_python_step(source: str, name: str = "work", **more: Any) -> dict[str, Any]:
    """A step that runs that source."""
    return {"name": name, "kind": "python", "action": {"source": source}, **more}


def a_shell_step(script: str, name: str = "work", **more: Any) -> dict[str, Any]:
    """A step that runs that script."""
    return {"name": name, "kind": "shell", "action": {"script": script}, **more}


class Workshop:
    """Starts orders, collects reports, and lets the loop run until something has happened."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.loop = asyncio.new_event_loop()
        self.reports: list[Report] = []
        self.acknowledges = True
        self.supervisor = Supervisor(self.loop, state=state, report=self._take)
        self._wanted: Callable[[], bool] | None = None
        self._awaited_progress: str | None = None
        self._number = 0

    def _take(self, report: Report) -> None:
        self.reports.append(report)
        if isinstance(report, Progressed):  # a flood of them is not to be searched each time
            if report.text == self._awaited_progress:
                self.loop.stop()
            return
        waits = isinstance(report, Checkpointed) or (
            isinstance(report, StepReported) and report.event == "complete"
        )
        if self.acknowledges and waits:
            assert isinstance(report, Checkpointed | StepReported)
            self.supervisor.acknowledge(report.instance, report.epoch, report.number)
        if self._wanted is not None and self._wanted():
            self.loop.stop()

    def start(self, *steps: dict[str, Any], **different: Any) -> int:
        """Start an instance with those steps; its number."""
        self._number += 1
        number = self._number
        fields: dict[str, Any] = {
            "instance": number,
            "epoch": 1,
            "job": "a-job",
            "steps": list(steps),
            "workdir": str(self.workdir(number)),
            "log_path": str(self.log_path(number)),
            "env": {"PATH": os.defpath, "HOME": str(self.state), "LANG": "C.UTF-8"},
        }
        self.supervisor.start(Order(**{**fields, **different}))
        return number

    def workdir(self, number: int) -> Path:
        return self.state / "work" / str(number)

    def log_path(self, number: int) -> Path:
        return self.state / "logs" / "a-job" / f"{number}.log"

    def until(self, wanted: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Let the loop run until `wanted()` is true after a report."""
        if wanted():
            return
        self._wanted = wanted
        timer = self.loop.call_later(timeout_s, self.loop.stop)
        self.loop.run_forever()
        timer.cancel()
        self._wanted = None
        assert wanted(), f"not seen within {timeout_s} s: {self.reports}"

    def until_progress(self, text: str) -> None:
        """Let the loop run until a step says so."""
        self._awaited_progress = text
        self.until(lambda: any(isinstance(r, Progressed) and r.text == text for r in self.reports))
        self._awaited_progress = None

    def until_ready(self, event: Callable[[Callable[[], None]], None], timeout_s: float = 60.0) -> None:
        """Let the loop run until `event` calls what it is given."""
        timer = self.loop.call_later(timeout_s, self.loop.stop)
        event(self.loop.stop)
        self.loop.run_forever()
        assert timer.when() > self.loop.time(), "the event did not come"
        timer.cancel()

    def until_file(self, path: Path) -> str:
        """Let the loop run until that file has a whole line; what it holds."""

        def look(done: Callable[[], None]) -> None:
            if path.exists() and path.read_text().endswith("\n"):
                done()
            else:
                self.loop.call_later(0.002, look, done)

        self.until_ready(look)
        return path.read_text()

    def until_gone(self, *pids: int) -> None:
        """Let the loop run until none of these processes is left (a zombie counts as gone)."""
        from runner.execution.processes import is_gone

        def look(done: Callable[[], None]) -> None:
            if all(is_gone(pid, None) for pid in pids):
                done()
            else:
                self.loop.call_later(0.002, look, done)

        self.until_ready(look)

    def ended(self, number: int) -> Ended | None:
        return next((r for r in self.reports if isinstance(r, Ended) and r.instance == number), None)

    def end_of(self, number: int) -> Ended:
        """Let the loop run until the instance has ended."""
        self.until(lambda: self.ended(number) is not None)
        ended = self.ended(number)
        assert ended is not None
        return ended

    def pid_of(self, number: int) -> int:
        """Let the loop run until the instance's process is there."""
        self.until(lambda: any(isinstance(r, Began) and r.instance == number for r in self.reports))
        return next(r.pid for r in self.reports if isinstance(r, Began) and r.instance == number)

    def run(self, *steps: dict[str, Any], **different: Any) -> Ended:
        """Start an instance and wait for its end."""
        return self.end_of(self.start(*steps, **different))

    def events(self, number: int = 1) -> list[tuple[str, str]]:
        """(event, step) of the instance, in order."""
        return [
            (r.event, r.step) for r in self.reports if isinstance(r, StepReported) and r.instance == number
        ]

    def lines(self, number: int = 1) -> list[str]:
        """The texts of the instance's log."""
        return [line.text for line in read_log(self.log_path(number))]
