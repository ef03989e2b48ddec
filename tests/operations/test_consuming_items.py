"""One run works through what arrives: an acknowledged item never comes again, any other does."""

from __future__ import annotations

from typing import Any

import pytest
from installations import ANA, NOW, Installation
from lives import at, end, start
from triggered_lives import a_triggered_job, comes, fed, items, states

from runner.execution.order import Checkpointed, Record
from runner.operations.record_checkpoint import record_checkpoint
from runner.operations.take_items import take_items
from runner.operations.trigger import trigger_job
from runner.vocabulary.errors import ChangedMeanwhile

CONSUMED = {"file": {"root": "incoming", "match": "*"}, "consume": True}


def under_way(here: Installation, *keys: str, **spec: Any) -> int:
    """A consuming run that has started while these waited."""
    here.install(a_triggered_job("load", CONSUMED, **spec))
    for key in keys:
        comes(here, "load", key)
    [id] = fed(here, "load").instances
    start(here, id)
    return id


def take(here: Installation, id: int, most: int = 1, epoch: int | None = None) -> list[int]:
    epoch = here.instance(id).epoch if epoch is None else epoch
    return [item["id"] for item in here.store.transact(lambda tx: take_items(tx, id, epoch, most))]


def checkpoint(here: Installation, id: int, *done: int, epoch: int | None = None, n: int = 1) -> None:
    epoch = here.instance(id).epoch if epoch is None else epoch
    report = Checkpointed(id, epoch, n, "run", Record(n, "{}", f'{{"n":{n}}}', items=done))
    here.store.transact(lambda tx: record_checkpoint(tx, report, NOW))


def test_one_run_takes_them_one_after_the_other(here: Installation) -> None:
    id = under_way(here, "a", "b")
    assert "consume" in here.instance(id).trigger
    assert fed(here, "load").instances == ()
    assert take(here, id) == [1]
    assert take(here, id) == [1]  # until it is acknowledged
    checkpoint(here, id, 1)
    assert take(here, id) == [2]
    assert states(here, "load") == ["DONE", "TAKEN"]


def test_what_arrives_meanwhile_is_taken_too(here: Installation) -> None:
    id = under_way(here, "a")
    checkpoint(here, id, *take(here, id))
    assert take(here, id) == []
    comes(here, "load", "b")
    assert take(here, id) == [2]


def test_an_acknowledgement_and_the_state_are_one_transaction(here: Installation) -> None:
    id = under_way(here, "a")
    take(here, id)
    with pytest.raises(ChangedMeanwhile, match="item 7 is not one that run 1 works on"):
        checkpoint(here, id, 1, 7)
    assert states(here, "load") == ["TAKEN"]
    with here.store.read() as reader:
        assert reader.state.of_instance(id) == []


def test_an_earlier_attempt_acknowledges_nothing_and_takes_nothing(here: Installation) -> None:
    id = under_way(here, "a", retry={"initial": "1s"})
    first = here.instance(id).epoch
    take(here, id)
    end(here, id, "failed")
    epoch = start(here, id, at(minutes=5))
    with pytest.raises(ChangedMeanwhile):
        checkpoint(here, id, 1, epoch=first)
    with pytest.raises(ChangedMeanwhile):
        take(here, id, epoch=first)
    assert epoch > first
    assert take(here, id) == [1]  # the same item, for the attempt that follows


def test_a_crash_brings_the_same_item_to_the_same_run(here: Installation) -> None:
    id = under_way(here, "a", "b", onCrash="resume")
    checkpoint(here, id, *take(here, id))
    take(here, id)
    end(here, id, "crashed")
    start(here, id, at(minutes=1))
    assert take(here, id, most=5) == [2]


def test_a_run_that_failed_leaves_the_item_it_was_at_and_the_next_goes_on_behind_it(
    here: Installation,
) -> None:
    id = under_way(here, "a", "b", "c", retry="none")
    take(here, id, most=2)
    end(here, id, "failed")
    [following] = fed(here, "load").instances
    assert [(item.state, item.reason) for item in items(here, "load")] == [
        ("FAILED", "its run ended FAILED while it worked on it"),
        ("WAITING", ""),
        ("WAITING", ""),
    ]
    start(here, following)
    assert take(here, following) == [2]


def test_what_a_run_took_and_did_not_deal_with_waits_again(here: Installation) -> None:
    id = under_way(here, "a", "b")
    take(here, id, most=2)
    checkpoint(here, id, 1)
    end(here, id, "succeeded")
    fed(here, "load")
    assert states(here, "load") == ["DONE", "WAITING"]


def test_a_run_that_takes_nothing_is_not_started_again_at_once(here: Installation) -> None:
    id = under_way(here, "a")
    end(here, id, "succeeded", at(seconds=1))
    told = fed(here, "load", at(seconds=2))
    assert (told.instances, told.again_at) == ((), at(seconds=61))
    assert "without taking any of the items" in told.problem
    assert len(fed(here, "load", at(seconds=62)).instances) == 1


def test_a_run_started_for_something_else_gets_none(here: Installation) -> None:
    here.install(a_triggered_job("load", CONSUMED))
    comes(here, "load", "a")
    id = here.run("load", "RUNNING")
    assert take(here, id) == []


def test_a_start_by_hand_works_through_them_too(here: Installation) -> None:
    here.install(a_triggered_job("load", CONSUMED))
    comes(here, "load", "a")
    id = trigger_job(here.store, "load", actor=ANA, key="k", now=NOW).id
    start(here, id)
    checkpoint(here, id, *take(here, id))
    assert states(here, "load") == ["DONE"]


def test_a_start_by_hand_says_that_nothing_has_arrived(here: Installation) -> None:
    reads = {"F": "${{ trigger.file.path }}"}
    here.install(a_triggered_job("reads", env=reads), a_triggered_job("not"))
    said = {
        name: trigger_job(here.store, name, actor=ANA, key="k", now=NOW).notes for name in ("reads", "not")
    }
    assert said["not"] == ()
    assert "runner jobs items reads --again ID repeats an item" in said["reads"][0]


@pytest.mark.parametrize(
    ("concurrency", "most"),
    [
        ({"policy": "allow"}, 1),
        ({"policy": "replace"}, 1),
        ({"policy": "skip"}, 1),
        ({"policy": "queue", "limit": 2}, 2),
    ],
)
def test_as_many_runs_work_through_items_as_are_allowed_by_number(
    here: Installation, concurrency: dict[str, Any], most: int
) -> None:
    here.install(a_triggered_job("load", CONSUMED, concurrency=concurrency))
    for key in "abcdef":
        comes(here, "load", key)
    made = [id for _ in range(5) for id in fed(here, "load").instances]
    assert len(made) == most
