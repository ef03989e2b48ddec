"""The reference of the SDK is what the SDK says of itself, and the guide leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

from runner import Job
from runner.sdk.reference import reference
from runner.sdk.testing import __all__ as for_tests

DOCS = Path(__file__).parents[2] / "docs"


def test_the_committed_reference_is_fresh() -> None:
    committed = (DOCS / "reference" / "python.md").read_text("utf-8")
    assert committed == reference(), "run: python -m runner.sdk.reference docs/reference/python.md"


def test_every_name_says_what_it_is() -> None:
    parts = re.split(r"^### ", reference(), flags=re.MULTILINE)
    without = [part.splitlines()[0] for part in parts[1:] if not part.split("```")[2].split("## ")[0].strip()]
    assert without == []


def test_what_tests_of_jobs_import_is_in_it() -> None:
    headings = set(re.findall(r"^## (\w+)$", reference(), re.MULTILINE))
    assert set(for_tests) - {"Ended"} <= headings


def test_the_guide_shows_everything_that_a_job_has() -> None:
    guide = (DOCS / "python-jobs.md").read_text("utf-8")
    names = [name for name in vars(Job) if not name.startswith("_")]
    assert [name for name in names if not re.search(rf"\b{name}\b", guide)] == []
