"""The examples of docs/python-jobs.md work as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from runner.sdk.testing import Trial

PAGE = Path(__file__).parents[2] / "docs" / "python-jobs.md"
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE.read_text(), re.DOTALL))


def test_every_python_block_names_its_file() -> None:
    assert PAGE.read_text().count("```python") == len(FILES) == 4


def test_the_examples_pass_their_own_tests(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    ran = subprocess.run(
        command, cwd=tmp_path, env=alone, capture_output=True, text=True, timeout=250, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout


@pytest.mark.parametrize(
    ("name", "outputs", "lives"), [("daily_pages.py", {"pages": 3}, 1), ("waiting.py", {"asked": 3}, 4)]
)
def test_the_functions_end_as_they_say(name: str, outputs: dict[str, int], lives: int) -> None:
    made: dict[str, object] = {}
    exec(FILES[name], made)
    trial = Trial(made["run"]).run()  # type: ignore[arg-type]
    assert (trial.outputs, trial.lives) == (outputs, lives)
    Trial(made["run"]).assert_resumable()  # type: ignore[arg-type]
