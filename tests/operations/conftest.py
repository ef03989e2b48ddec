from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from installations import Installation
from lives import contradictions


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """A new installation on a real database file."""
    installation = Installation(tmp_path / ".runner" / "runner.db")
    yield installation
    installation.store.close()


@pytest.fixture
def sound(here: Installation) -> Iterator[Installation]:
    """The same, and the rows do not contradict each other afterwards."""
    yield here
    assert contradictions(here) == []
