"""A project of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.running_daemon import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project; its state directory is beside its declarations."""
    return Project(tmp_path)
