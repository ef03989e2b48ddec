"""What arrives becomes runs: each item once, whatever ends how, and under whatever hold."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from installations import ANA, NOW, Installation, a_job
from lives import at, claim, contradictions, slots
from triggered_lives import a_triggered_job, comes, fed, items, states, whole_run

from runner.operations.cancel import cancel_instances
from runner.operations.claim_instance import Claimed, Waits
from runner.operations.disable import disable_jobs
from runner.operations.feed import feed
from runner.operations.items import drop_item, give_again
from runner.operations.rerun import rerun_instance
from runner.store.arrivals import MOVING, TAKEN
from runner.store.objects import NewObject
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition

LIMITED = {"file": {"root": "incoming", "match": "*"}}


@pytest.fixture(autouse=True)
def sound(here: Installation) -> Iterator[None]:
    yield
    assert contradictions(here) == []


def test_an_item_is_a_run_which_knows_where_it_comes_from(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    assert comes(here, "load", "a.csv", file={"path": "a.csv"}).outcome == "queued"
    [id] = fed(here, "load").instances
    run = here.instance(id)
    assert (run.origin, run.slot_key, run.schedule, run.due_at) == ("file", "a.csv", "default", NOW)
    assert run.trigger == {
        "schedule": "default",
        "by": "incoming:a.csv",
        "items": [1],
        "file": {"path": "a.csv"},
    }
    whole_run(here, id)
    assert fed(here, "load").settled == 1
    assert states(here, "load") == ["DONE"]
    assert [(row.slot_key, row.decision) for row in slots(here, "load")] == [("a.csv", "instance")]


def test_the_same_event_is_known_for_ever(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    first = comes(here, "load", "a.csv")
    assert comes(here, "load", "a.csv").outcome == "duplicate"
    [id] = fed(here, "load").instances
    whole_run(here, id)
    fed(here, "load")
    again = comes(here, "load", "a.csv")
    assert (again.outcome, again.item, again.instance) == ("duplicate", first.item, id)
    assert fed(here, "load").instances == ()


def test_items_wait_for_room_instead_of_being_skipped(here: Installation) -> None:
    here.install(a_triggered_job("load"))  # concurrency: skip, 1
    for key in "abc":
        comes(here, "load", key)
    [first] = fed(here, "load").instances
    assert fed(here, "load").instances == ()
    assert states(here, "load") == ["TAKEN", "WAITING", "WAITING"]
    whole_run(here, first)
    [second] = fed(here, "load").instances
    assert here.instance(second).slot_key == "b"


def test_a_start_by_hand_in_between_makes_a_triggered_one_wait(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    [id] = fed(here, "load").instances
    here.run("load", "RUNNING")
    assert isinstance(claim(here, id), Waits)


def test_several_places_take_several_items(here: Installation) -> None:
    here.install(a_triggered_job("load", concurrency={"policy": "queue", "limit": 2}))
    for key in "abc":
        comes(here, "load", key)
    assert len(fed(here, "load").instances) == 2


def test_a_batch_is_one_run_with_all_of_them(here: Installation) -> None:
    here.install(a_triggered_job("load", {**LIMITED, "batch": {"size": 3, "within": "1m"}}))
    comes(here, "load", "a", file={"path": "a"})
    comes(here, "load", "b", at(seconds=10), file={"path": "b"})
    waits = fed(here, "load", at(seconds=20))
    assert (waits.instances, waits.again_at) == ((), at(minutes=1))
    comes(here, "load", "c", at(seconds=30), file={"path": "c"})
    [id] = fed(here, "load", at(seconds=30)).instances
    trigger = here.instance(id).trigger
    assert trigger["items"] == [1, 2, 3]
    assert [each["file"]["path"] for each in trigger["batch"]] == ["a", "b", "c"]
    assert trigger["file"]["path"] == "c"


@pytest.mark.parametrize("hold", ["paused", "maintenance", "failure", "operator", "git", "group:nightly"])
def test_under_any_hold_what_was_taken_in_waits_and_starts_afterwards(here: Installation, hold: str) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    here.hold("load", hold)
    assert fed(here, "load").instances == ()
    uid = here.uid("load")
    here.store.transact(lambda tx: tx.holds.clear(uid, hold, at=NOW, who="test"))
    assert len(fed(here, "load").instances) == 1


def test_a_run_that_a_hold_dropped_gives_its_item_back(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    [id] = fed(here, "load").instances
    here.store.transact(lambda tx: disable_jobs(tx, ["load"], actor=ANA, reason="", now=NOW))
    assert here.instance(id).state == "SKIPPED"
    fed(here, "load")
    assert states(here, "load") == ["WAITING"]
    uid = here.uid("load")
    here.store.transact(lambda tx: tx.holds.clear(uid, "operator", at=NOW, who="test"))
    [again] = fed(here, "load").instances
    assert here.instance(again).slot_key == "a~1"


def test_a_run_that_failed_for_good_leaves_a_failed_item_that_may_come_again(here: Installation) -> None:
    here.install(a_triggered_job("load", retry="none"))
    comes(here, "load", "a")
    [id] = fed(here, "load").instances
    whole_run(here, id, "failed")
    fed(here, "load")
    [item] = items(here, "load")
    assert (item.state, item.reason) == ("FAILED", "its run ended FAILED (exit-code)")
    acted = here.store.transact(lambda tx: give_again(tx, "load", item.id, actor=ANA, reason="", now=NOW))
    assert acted.changed
    [again] = fed(here, "load").instances
    assert here.instance(again).slot_key == "a~1"
    with pytest.raises(IllegalTransition, match=r"is TAKEN; --drop is accepted in WAITING and FAILED"):
        here.store.transact(lambda tx: drop_item(tx, "load", item.id, actor=ANA, reason="", now=NOW))


def test_files_that_are_to_move_are_done_only_when_they_have_moved(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a", aftercare={"done": "ok", "failed": "bad", "inode": 7})
    [id] = fed(here, "load").instances
    whole_run(here, id)
    fed(here, "load")
    [item] = items(here, "load")
    assert (item.state, item.reason) == (MOVING, "succeeded")


def test_of_a_full_queue_the_declared_side_goes_and_the_ledger_says_so(here: Installation) -> None:
    full = {"limit": 2, "overflow": "drop-oldest"}
    here.install(
        a_triggered_job("refusing", {**LIMITED, "queue": {"limit": 2}}),
        a_triggered_job("newest", {**LIMITED, "queue": {**full, "overflow": "drop-newest"}}),
        a_triggered_job("oldest", {**LIMITED, "queue": full}),
    )
    for name in ("refusing", "newest", "oldest"):
        told = [comes(here, name, key).outcome for key in "abc"]
        assert told[:2] == ["queued", "queued"]
        assert told[2] == {"refusing": "refused", "newest": "dropped", "oldest": "queued"}[name]
    assert states(here, "refusing") == ["WAITING", "WAITING"]
    assert states(here, "newest") == ["WAITING", "WAITING", "DROPPED"]
    assert states(here, "oldest") == ["DROPPED", "WAITING", "WAITING"]
    assert [(row.slot_key, row.rule) for row in slots(here, "oldest")] == [("a", "overflow")]


def test_what_waits_longer_than_the_start_deadline_is_late(here: Installation) -> None:
    here.install(a_triggered_job("load", startDeadline="1h"))
    comes(here, "load", "a")
    here.hold("load", "paused", until=at(2))
    fed(here, "load", at(1))
    comes(here, "load", "b", at(1.5))
    [id] = fed(here, "load", at(2)).instances
    assert here.instance(id).slot_key == "b"
    assert [item.state for item in items(here, "load")] == ["DROPPED", "TAKEN"]


def test_what_waits_follows_the_job_as_it_is_edited(here: Installation) -> None:
    inputs = {"n": {"type": "integer", "required": True}}
    here.install(a_triggered_job("load", inputs=inputs))
    comes(here, "load", "a", inputs={"n": 1})
    comes(here, "load", "b", inputs={"n": 2})
    edited = a_triggered_job("load", {**LIMITED, "batch": 2}, inputs={"n": {"type": "string"}})
    _update(here, edited)
    assert fed(here, "load").dropped == 2
    assert {(item.state, item.reason[:10]) for item in items(here, "load")} == {("FAILED", "bad-inputs")}


def test_what_waits_for_a_trigger_that_is_gone_is_dropped_with_that_reason(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    _update(here, a_job("load"))
    assert fed(here, "load").dropped == 1
    [item] = items(here, "load")
    assert item.reason == "removed: the job has no trigger default any more"


def test_a_removed_job_drops_what_waited(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    uid = here.uid("load")
    digest = a_triggered_job("load").digest
    here.store.transact(lambda tx: tx.objects.remove(uid, expected_digest=digest, at=NOW, who="test"))
    assert here.store.transact(lambda tx: feed(tx, uid, "default", NOW)).dropped == 1


def test_a_cancelled_start_is_not_started_again(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    [id] = fed(here, "load").instances
    here.store.transact(lambda tx: cancel_instances(tx, [id], actor=ANA, reason="", now=NOW))
    assert fed(here, "load").instances == ()
    [item] = items(here, "load")
    assert (item.state, item.instance_id) == ("FAILED", id)


def test_a_claim_of_a_triggered_start_passes_like_any_other(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    comes(here, "load", "a")
    [id] = fed(here, "load").instances
    assert states(here, "load") == [TAKEN]
    assert isinstance(claim(here, id), Claimed)


def _update(here: Installation, new: NewObject) -> None:
    uid = here.uid(new.name)

    def work(tx: Transaction) -> None:
        record = tx.objects.by_uid(uid)
        assert record is not None
        tx.objects.update(uid, new, expected_digest=record.digest, at=NOW, who="test")

    here.store.transact(work)


def test_a_rerun_sees_what_had_triggered_the_first_and_takes_no_item(here: Installation) -> None:
    here.install(a_triggered_job("load", retry="none", failAfter="never"))
    comes(here, "load", "a", file={"path": "a.csv"}, chain=["x"])
    [id] = fed(here, "load").instances
    whole_run(here, id, "failed")
    fed(here, "load")
    again = here.store.transact(lambda tx: rerun_instance(tx, id, actor=ANA, key="k", reason="", now=NOW)).id
    trigger = here.instance(again).trigger
    assert trigger == {"file": {"path": "a.csv"}, "chain": ["x"], "by": "ana", "rerun_of": id}
    assert states(here, "load") == ["FAILED"]
