"""A stop that comes just after the start is not lost: the child may not even have its process group yet."""

from __future__ import annotations

import pytest
from execution_builders import Workshop, a_python_step, a_shell_step

FOR_EVER = {"shell": a_shell_step("sleep 600"), "python": a_python_step("import time; time.sleep(600)")}


@pytest.mark.parametrize("kind", FOR_EVER)
@pytest.mark.parametrize("grace_s", [20.0, 0.0], ids=["told to end", "killed"])
def test_a_stop_in_the_moment_of_the_start_ends_it_at_once(
    workshop: Workshop, kind: str, grace_s: float
) -> None:
    workshop.run(a_shell_step("true"))  # the zygote is there, and will fork at once
    for _ in range(3):
        number = workshop.start(FOR_EVER[kind])
        workshop.supervisor.stop(number, 1, grace_s=grace_s, why="cancel")
        workshop.until(lambda number=number: workshop.ended(number) is not None, timeout_s=10.0)
        ended = workshop.ended(number)
        assert ended is not None and ended.outcome == "stopped"
