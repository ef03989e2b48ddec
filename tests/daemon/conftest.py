"""Installations, loops and engines for the daemon's tests."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from daemons import Daemon
from installations import Installation
from lives import contradictions


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    """A new installation on a real database file, which contradicts itself nowhere afterwards."""
    installation = Installation(tmp_path / ".runner" / "runner.db")
    yield installation
    installation.store.close()
    assert contradictions(installation) == []


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop whose callbacks must not fail."""
    it = asyncio.new_event_loop()
    faults: list[Any] = []
    it.set_exception_handler(lambda _, context: faults.append(context))
    yield it
    it.close()
    assert faults == []


@pytest.fixture
def a_daemon(here: Installation, loop: asyncio.AbstractEventLoop) -> Iterator[Callable[..., Daemon]]:
    """Starts an engine on the installation; what is still up at the end is stopped."""
    started: list[Daemon] = []

    def start(**different: Any) -> Daemon:
        started.append(Daemon(here, loop, **different))
        return started[-1]

    yield start
    for daemon in started:
        daemon.stop(0)
