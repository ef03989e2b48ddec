"""A daemon whose database somebody takes away says so, and does not go on without one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installations import Installation

from runner.daemon.ownership import GONE, Ownership


class Lock:
    """One that is still held."""

    def keep(self) -> bool:
        return True


@pytest.fixture
def away(here: Installation) -> Iterator[Path]:
    """Where the database is put; it is back for the checks that follow each test."""
    path = here.path.with_name("away")
    yield path
    if path.exists():
        path.replace(here.path)


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def watching(here: Installation, heard: list[str], away: Path) -> Iterator[Ownership]:
    loop, lock = asyncio.new_event_loop(), Lock()
    held: Any = lock
    ownership = Ownership(loop, here.store, held, 1, heard.append)
    yield ownership
    ownership.stop()
    loop.close()


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_database_that_is_removed_or_replaced_ends_the_daemon(
    here: Installation, away: Path, watching: Ownership, heard: list[str], is_replaced: bool
) -> None:
    here.path.rename(away)
    if is_replaced:
        here.path.write_bytes(b"another one")
    watching.look()
    assert heard == []
    watching.look()
    assert heard == [GONE]


def test_one_that_was_away_for_a_moment_does_not(
    here: Installation, away: Path, watching: Ownership, heard: list[str]
) -> None:
    for _ in range(2):
        here.path.rename(away)
        watching.look()
        away.rename(here.path)
        watching.look()
    assert heard == []
