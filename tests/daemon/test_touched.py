"""What nothing has happened to is not looked at again; and all are, now and then, whatever was told."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from installations import NOW, Installation, a_job

from runner.daemon import touched
from runner.daemon.touched import ALL, Touched


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / ".runner" / "runner.db")
    installation.install(a_job("work"))
    yield installation
    installation.store.close()


def look(here: Installation, own: Touched, now: datetime = NOW) -> Mapping[int, str] | None:
    with here.store.read() as reader:
        return own.look(reader, now)


def test_at_first_all_are_looked_at_and_then_those_that_something_happened_to(here: Installation) -> None:
    own = Touched()
    here.run("work", key="a")
    assert look(here, own) is None
    assert look(here, own) == {}
    second = here.run("work", key="b")
    assert look(here, own) == {second: here.uid("work")}
    assert look(here, own) == {}


def test_what_was_forgotten_is_found_by_looking_at_all(here: Installation) -> None:
    own = Touched()
    look(here, own)
    own.forget()
    assert look(here, own) is None
    assert look(here, own, NOW + ALL - timedelta(seconds=1)) == {}
    assert look(here, own, NOW + ALL) is None
    assert look(here, own, NOW - timedelta(days=1)) is None, "the clock was put back"


def test_of_very_many_all_are_looked_at(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "MOST", 2)
    own = Touched()
    look(here, own)
    for n in range(3):
        here.run("work", key=str(n))
    assert look(here, own) is None
