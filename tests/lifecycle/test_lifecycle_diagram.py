"""The page about the lifecycle is the program's own tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runner.lifecycle.diagram import mermaid, page
from runner.lifecycle.step import STEP

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_committed_page_is_fresh() -> None:
    assert PAGE.read_text() == page(), "run: python -m runner.lifecycle.diagram > docs/lifecycle.md"


def test_the_module_prints_the_page() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "runner.lifecycle.diagram"], capture_output=True, text=True, check=True
    )
    assert printed.stdout == page()


def test_a_diagram_has_one_arrow_for_two_states() -> None:
    assert "    PENDING --> SKIPPED: skip (S2), operator_skip (S3)" in mermaid(STEP).splitlines()
