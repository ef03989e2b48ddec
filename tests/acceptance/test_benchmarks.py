"""Each benchmark still runs, on a few: what it prints then is no figure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
ON_A_FEW = {
    "burst": "--jobs 20 --parallel 5 --rounds 1",
    "checkpoints": "--count 20 --rounds 1",
    "commands": "--rounds 1",
    "fanout": "--targets 20 --rounds 1 --large 50",
    "hooks": "--count 20 --connections 2 --rounds 1",
    "idle": "--jobs 5 --seconds 1",
    "instances": "--count 16 --rounds 1",
    "latency": "--count 3",
    "recorded": "--count 16 --rounds 1",
    "reload": "--jobs 5 --count 1",
    "schedules": "400",
    "shell": "--count 16 --rounds 1",
    "store_writes": "40",
}
SHARED = {"daemon", "engine"}
ALWAYS_LARGE = {"gitops", "plan_10k"}
"""10,000 files each: minutes."""


@pytest.mark.long
@pytest.mark.parametrize("name", ON_A_FEW)
def test_a_benchmark_measures_its_floor_and_ours(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *ON_A_FEW[name].split()]
    ran = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stdout
    assert any(character.isdigit() for character in ran.stdout)


def test_every_benchmark_is_tried_or_named_as_too_large() -> None:
    there = {file.stem for file in BENCHMARKS.glob("*.py")}
    assert there == {*ON_A_FEW, *SHARED, *ALWAYS_LARGE}
