"""A copy needs no more memory for many rows than for few."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_MIB = {"table": 80, "jsonl": 80, "parquet": 160, "csv": 160}
"""By what is written. The modules alone are 45 MiB, DuckDB's own limit is 92, the input is 50."""

COPY = """
import json, sys
from runner.execution.actions.copy import perform
from runner.execution.child.context import StepContext
folder, origin, to = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
step = StepContext(
    name="copy", job="j", instance=1, attempt=1, env={}, workdir=folder, files={}, libraries={},
    connections={"w": {"url": f"sqlite:///{folder}/x.db"}},
    roots={"r": {"path": folder, "access": "write"}}, variables={}, timeout_s=None,
    output_path=folder + "/o", say=print,
)
rows = perform({"from": origin, "to": to}, step)["rows"]
# Not ru_maxrss: it survives exec, so it also counts the process that started this one.
(peak,) = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(json.dumps({"rows": rows, "mib": int(peak) // 1024}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a CSV file of 50 MiB."""
    folder = tmp_path_factory.mktemp("large")
    with (folder / "a.csv").open("w") as file:
        file.write("id,day,text\n")
        for first in range(0, 24_000, 1000):
            file.writelines(f"{n},2026-01-01,{'lorem-' * 350}\n" for n in range(first, first + 1000))
    return folder


def test_large_copies_stay_below_the_limit(folder: Path) -> None:
    csv, table = {"root": "r", "path": "a.csv"}, {"connection": "w", "table": "t"}
    steps = [
        (csv, table),
        (table, {"root": "r", "path": "b.jsonl"}),
        ({"root": "r", "path": "b.jsonl"}, {"root": "r", "path": "b.parquet"}),
        ({"root": "r", "path": "b.parquet"}, {"root": "r", "path": "b.csv"}),
    ]
    for origin, to in steps:
        ran = subprocess.run(
            [sys.executable, "-c", COPY, str(folder), json.dumps(origin), json.dumps(to)],
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(ran.stdout.splitlines()[-1])
        assert told["rows"] == 24_000
        written = to.get("path", "table").rpartition(".")[2]
        assert told["mib"] < LIMIT_MIB[written], f"{origin} to {to}: {told['mib']} MiB"
    assert (folder / "b.csv").stat().st_size == (folder / "a.csv").stat().st_size
