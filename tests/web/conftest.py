"""An installation and a listener for the tests of one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from external_lives import an_external_job
from installations import Installation
from listening import Listening


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for the tests of a file: each uses runs of its own."""
    installation = Installation(tmp_path_factory.mktemp("web") / ".runner" / "runner.db")
    installation.install(an_external_job(webhook=None, concurrency={"policy": "allow"}))
    yield installation
    installation.store.close()


@pytest.fixture(scope="module")
def listening(here: Installation) -> Iterator[Listening]:
    """A listener that says on stderr what it refused, and nothing else: no traceback, no token."""
    started = Listening(here)
    yield started
    assert started.process.stderr is not None
    if started.process.poll() is None:
        started.end()
    said = started.process.stderr.read().splitlines()
    assert [line for line in said if not line.startswith(b"refused ")] == []


@pytest.fixture(scope="module")
def token(listening: Listening) -> str:
    return listening.a_token()
