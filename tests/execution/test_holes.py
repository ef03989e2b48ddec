"""Free blocks of Python's memory are taken, so that what follows lies together."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from runner.execution.holes import fill_holes

def pools(size):
    blocks = [bytes(size - 33) for _ in range(20)]
    return len({id(block) >> 14 for block in blocks})

scattered = [[bytes(size - 33) for _ in range(4000)] for size in (64, 128, 256)]
for blocks in scattered:
    del blocks[::40]  # holes in many pools
before = [pools(size) for size in (64, 128, 256)]
kept = fill_holes()
print(max(before), max(pools(size) for size in (64, 128, 256)))
"""


def run(program: str, **env: str) -> str:
    env["PYTHONPATH"] = ":".join(sys.path)
    return subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    ).stdout


def test_small_objects_of_one_size_lie_in_one_pool_once_the_holes_are_filled() -> None:
    before, after = map(int, run(PROGRAM).split())
    assert before > 2 >= after


def test_another_allocator_is_left_alone() -> None:
    program = "from runner.execution.holes import fill_holes\nprint(fill_holes())"
    assert run(program, PYTHONMALLOC="malloc") == "[]\n"
