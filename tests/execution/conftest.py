"""A workshop for every test that wants one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from execution_builders import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop whose processes are all gone afterwards."""
    it = Workshop(tmp_path)
    yield it
    it.supervisor.close()
    it.loop.close()
