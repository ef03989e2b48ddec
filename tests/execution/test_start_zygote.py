"""A zygote imports Python's own modules first, so that ours lie side by side."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import runner.execution.start_zygote
before = set(sys.modules)
from runner.execution import zygote
zygote.preload("lean")
print(*sorted(name for name in set(sys.modules) - before if name.partition(".")[0] != "runner"))
"""


def test_every_module_of_python_is_there_before_the_first_that_children_use() -> None:
    ran = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "\n", "start_zygote is to import them too"
