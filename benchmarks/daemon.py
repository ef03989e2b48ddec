"""`runner up` as a process of its own, on a project in a temporary folder, for the benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOB = """\
apiVersion: jobs.runner/v1
kind: Job
metadata: {{name: {name}}}
spec:
  enabled: true
  schedule: {schedule}
  code:
    source: {source}
"""
RUNNER = [str(Path(sys.executable).with_name("runner"))]
_PATIENCE_S = 60.0


class Project:
    """A folder with declarations and its daemon; both are gone after `close`."""

    def __init__(self) -> None:
        self._made = tempfile.TemporaryDirectory()
        self.folder = Path(self._made.name)
        self.state = self.folder / ".runner"
        self.jobs = self.folder / "jobs.d"
        self.jobs.mkdir()
        self._daemon: subprocess.Popen[bytes] | None = None

    def declare(self, name: str, *, source: str = "pass", schedule: str = '{cron: "0 2 * * *"}') -> None:
        """One enabled job with one python step."""
        text = JOB.format(name=name, schedule=schedule, source=source)
        (self.jobs / f"{name}.yaml").write_text(text)

    def up(self, log: Path | None = None) -> int:
        """Start the daemon; its process id, once it answers. What it says goes into `log`, or nowhere."""
        with (log or Path(os.devnull)).open("wb") as said:
            self._daemon = subprocess.Popen([*RUNNER, "up"], cwd=self.folder, stdout=said)
        patience = time.monotonic() + _PATIENCE_S
        while not (self.state / "wake.sock").exists():
            if self._daemon.poll() is not None or time.monotonic() > patience:
                raise SystemExit("the daemon did not start")
            time.sleep(0.05)
        return self._daemon.pid

    def close(self) -> None:
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
            self._daemon.wait(_PATIENCE_S)
        self._made.cleanup()


def descendants(pid: int) -> list[int]:
    """The process and all that it started, and so on."""
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found
