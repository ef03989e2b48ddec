"""Definitions that are at hand: read once, those used lately, and never for what is known to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from daemons import Daemon
from installations import Installation, a_job

from runner.daemon import definitions as room
from runner.daemon.definitions import Definitions
from runner.vocabulary.errors import UnknownName


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The descriptions of what was read and prepared."""
    names: list[str] = []
    define = room.define

    def noted(spec: Any, state: Any) -> Any:
        names.append(spec["description"])
        return define(spec, state)

    monkeypatch.setattr(room, "define", noted)
    yield names


def _run(here: Installation, name: str, **spec: Any) -> int:
    here.install(a_job(name, schedule=None, description=name, **spec))
    return here.run(name)


def test_a_definition_is_read_once_for_all_its_runs(here: Installation, prepared: list[str]) -> None:
    first = here.instance(_run(here, "a"))
    second = here.instance(here.run("a", key="again"))
    definitions = Definitions(here.store, here.state)
    assert definitions.at_hand(first) is None
    assert definitions.of(first) is definitions.of(second) is definitions.at_hand(first)
    assert prepared == ["a"]


def test_the_one_that_was_not_used_for_longest_goes(
    here: Installation, prepared: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "KEPT", 2)
    a, b, c = (here.instance(_run(here, name)) for name in "abc")
    definitions = Definitions(here.store, here.state)
    for run in (a, b, a, c):
        definitions.of(run)
    assert definitions.at_hand(a) and definitions.at_hand(c) and definitions.at_hand(b) is None
    assert prepared == ["a", "b", "c"]


def test_it_is_read_with_the_reader_that_is_open(here: Installation, prepared: list[str]) -> None:
    run = here.instance(_run(here, "a"))
    with here.store.read() as reader:
        assert Definitions(here.store, here.state).of(run, reader).spec["description"] == "a"


def test_a_revision_that_is_gone_is_named(here: Installation) -> None:
    run = here.instance(_run(here, "a"))._replace(digest="sha256:gone")
    with pytest.raises(UnknownName) as problem:
        Definitions(here.store, here.state).of(run)
    assert str(problem.value) == "revision sha256:gone of Job/a is not in the database"


def test_what_waits_for_a_lock_is_not_looked_up_again_at_every_look(
    here: Installation,
    a_daemon: Callable[..., Daemon],
    prepared: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "KEPT", 1)
    here.install(a_job("holds", schedule=None, locks=["press"], steps=[{"name": "run", "shell": "sleep 60"}]))
    up = a_daemon()
    up.until_running(up.trigger("holds"))
    for name in ("a", "b", "c"):
        _run(here, name, locks=["press"])
    up.engine.look()
    up.until(lambda: len(up.engine._dispatcher._parked) == 3)
    prepared.clear()
    up.engine._dispatcher._look()
    assert prepared == []
