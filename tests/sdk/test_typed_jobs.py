"""An author's own type checker understands a job, and finds its mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import runner

RIGHT = """
from __future__ import annotations
from datetime import UTC, datetime, timedelta
from typing import Any
from runner import Job, Status
from runner.sdk.testing import Trial


class Import(Job):
    def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
        return status or Status({"page": 0})

    def perform(self, status: Status) -> Status:
        with self.batch(write, size=10, seconds=5) as batch:
            batch.add("a")
        self.sleep(timedelta(minutes=2))
        self.info["a.b"] = self.metadata.slot
        self.error("no", code="x", severity="minor", info={"a": 1})
        self.trigger_at(datetime.now(UTC))
        self.log("x")
        return Status(status.state, complete=True, outputs={"rows": 1})


class Later(Job):
    async def prepare(self, params: dict[str, Any], status: Status | None) -> Status:
        return Status()

    async def perform(self, status: Status) -> Status:
        await self.sleep_async(5)
        return status


def write(rows: list[str]) -> None: ...


def run(job: Job) -> dict[str, int]:
    job.state["x"] = 1
    job.checkpoint()
    return {"rows": 1}


async def run_async(job: Job) -> None:
    await job.sleep_async(1)


for code in (Import, Later, run, run_async):
    reveal: str | None = Trial(code).run(kill_after=1).ended
"""
WRONG = """
from runner import Job, Status


class Wrong(Job):
    def perform(self, status: Status) -> dict[str, int]:
        self.notify("loud", "a", "b")
        self.batch(write).add(3)
        self.metadata.slot.isoformat()
        return {}


def write(rows: list[str]) -> None: ...
"""


def checked(code: str, folder: Path) -> tuple[str, int]:
    api = pytest.importorskip("mypy.api")
    file = folder / "job.py"
    file.write_text(code)
    os.environ["MYPYPATH"] = str(Path(runner.__file__).parents[1])
    try:
        output, _, status = api.run(
            ["--strict", "--cache-dir", str(folder / "cache"), "--config-file=", str(file)]
        )
    finally:
        del os.environ["MYPYPATH"]
    return output, status


@pytest.mark.timeout(300)
def test_a_job_passes_and_its_mistakes_are_found(tmp_path: Path) -> None:
    assert checked(RIGHT, tmp_path) == ("Success: no issues found in 1 source file\n", 0)
    output, status = checked(WRONG, tmp_path)
    codes = [line.rpartition("[")[2].rstrip("]") for line in output.splitlines() if ": error:" in line]
    assert (codes, status) == (["override", "arg-type", "arg-type", "union-attr"], 1), output


def test_the_package_is_marked_as_typed() -> None:
    assert (Path(runner.__file__).parent / "py.typed").is_file()
