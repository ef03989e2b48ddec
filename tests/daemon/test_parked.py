"""What was told to wait is asked again when what it waits for may have come, and not before."""

from __future__ import annotations

from typing import Any

import pytest
from installations import NOW, Installation, a_job

from runner.daemon.parked import Parked
from runner.operations.schedulable import SchedulableJob, schedulable
from runner.store.instances import InstanceRecord
from runner.vocabulary.identity import Address


def starts(here: Installation, job: str, number: int, **different: Any) -> list[InstanceRecord]:
    here.install(a_job(job))
    return [here.instance(here.run(job, key=f"{job} {n}"))._replace(**different) for n in range(number)]


def with_overlap(here: Installation, job: str, policy: str) -> SchedulableJob:
    here.install(a_job(job, concurrency={"policy": policy}))
    with here.store.read() as reader:
        record = reader.objects.get(Address("Job", job))
    assert record is not None
    return schedulable(record, here.store.installation_id)


def test_what_is_parked_is_not_asked_until_an_end_of_its_job(here: Installation) -> None:
    first, second = starts(here, "a", 2)
    [other] = starts(here, "b", 1)
    parked = Parked()
    parked.add(first)
    assert parked.in_turn([first, second, other], ()) == [second, other]
    assert not parked.ended(other)
    assert first in parked
    assert parked.ended(second)
    assert parked.in_turn([first], ()) == [first]


def test_an_end_of_what_had_a_lock_is_everybodys(here: Installation) -> None:
    [first], [other] = starts(here, "a", 1), starts(here, "b", 1)
    parked = Parked()
    parked.add(first)
    assert parked.ended(other._replace(locks=("warehouse",)))
    assert len(parked) == 0


def test_of_what_is_caught_up_only_the_oldest_is_asked(here: Installation) -> None:
    oldest, newer = starts(here, "a", 2, trigger={"missed": True})
    parked = Parked()
    assert parked.in_turn([oldest, newer], ()) == [oldest]
    assert newer in parked
    assert Parked().in_turn([newer], [oldest]) == [], "the oldest is just being asked"


@pytest.mark.parametrize(
    ("policy", "different", "is_behind"),
    [
        ("queue", {}, True),
        ("queue-one", {}, False),
        ("replace", {}, False),
        ("queue", {"epoch": 1}, False),
        ("queue", {"trigger": {"force": True}}, False),
        ("queue", {"trigger": {"missed": True}}, False),
    ],
)
def test_what_comes_later_waits_behind_the_oldest_without_being_looked_at(
    here: Installation, policy: str, different: dict[str, Any], is_behind: bool
) -> None:
    job = with_overlap(here, "a", policy)
    run = here.instance(here.run("a"))._replace(**different)
    parked = Parked()
    parked.waits(run, job)
    assert run in parked
    assert parked.behind == ({job.uid} if is_behind else set())
    assert parked.clear()
    assert (len(parked), parked.behind) == (0, set())


def test_nothing_parked_is_nothing_to_ask_again(here: Installation) -> None:
    [run] = starts(here, "a", 1, due_at=NOW)
    parked = Parked()
    assert not parked.clear()
    assert not parked.ended(run)
