"""Every store there is, each on a real file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runner.store.port import Store
from tests.new_databases import open_new_store

FACTORIES: dict[str, Callable[[Path], Store]] = {
    "sqlite": lambda folder: open_new_store(folder / ".runner" / "runner.db", busy_timeout_s=5),
}


@pytest.fixture(params=FACTORIES)
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens the same store as often as it is called."""
    opened: list[Store] = []

    def make() -> Store:
        opened.append(FACTORIES[request.param](tmp_path))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def store(make_store: Callable[[], Store]) -> Store:
    return make_store()
