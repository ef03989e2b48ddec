"""What was fetched last of a git source, for plans and blame."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "git"))
from remotes import Upstream
from test_follow_source import Here

from runner.operations.blame import blame
from runner.operations.last_fetched import fetched_with, last_fetched
from runner.operations.plan import make_plan_for
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.identity import Address, Place


@pytest.fixture
def here(tmp_path: Path) -> Here:
    upstream = Upstream(tmp_path)
    upstream.commit({"jobs.d/one.yaml": upstream.job("one")})
    return Here(tmp_path, upstream)


def test_a_plan_of_what_was_fetched_says_what_is_left_to_do(here: Here, tmp_path: Path) -> None:
    here.look()
    with here.store.read() as reader:
        fetched = last_fetched(reader, here.state, "main")
    plan = make_plan_for(fetched, here.project, here.store, here.now).plan
    assert (plan.source, plan.branch, plan.is_empty) == ("git:main", "main", True)
    assert plan.commit == here.record.applied


def test_the_line_of_a_field_is_found_in_the_repository(here: Here) -> None:
    here.look()
    address = Address("Job", "one")
    with here.store.read() as reader:
        fetched = fetched_with(reader, here.state, address)
        (found,) = blame(address, "enabled", fetched, here.project, reader)
    assert found.place == Place("git:main/jobs.d/one.yaml", 5)
    assert found.author is not None and found.author.name == "Ana"
    assert found.installed is not None and found.installed.commit == here.record.applied


def test_a_source_that_is_none_or_was_never_fetched_is_told(here: Here) -> None:
    with here.store.read() as reader:
        with pytest.raises(UnknownName, match="there is no git source other"):
            last_fetched(reader, here.state, "other")
        assert fetched_with(reader, here.state, Address("Job", "one")) is None
