"""What every store does with items that arrived: known by their key, given to one run, settled once."""

from __future__ import annotations

from typing import Any

import pytest
from store_builders import a_manual_run, created, install, later, live

from runner.store.arrivals import DONE, DROPPED, FAILED, ONE_BY_ONE, TAKEN, WAITING, NewItem
from runner.store.port import Store
from runner.vocabulary.errors import ChangedMeanwhile


def add(store: Store, uid: str, key: str, second: float = 1, **more: Any) -> int | None:
    fields = {"schedule": "default", "kind": "file", "source": f"in:{key}", "data": {"k": key}, **more}
    new = NewItem(job_uid=uid, key=key, **fields)
    return store.transact(lambda tx: tx.arrivals.add(new, at=later(second)))


def test_an_item_comes_back_as_it_was(store: Store) -> None:
    uid = install(store)
    id = add(store, uid, "a", inputs={"n": 1}, slot_at=later(9), aftercare={"done": "done"})
    with store.read() as reader:
        item = reader.arrivals.find(uid, "default", "a")
        assert item == reader.arrivals.get(id or 0)
        assert reader.arrivals.find(uid, "default", "b") is None
    assert item is not None
    assert (item.state, item.arrived_at, item.slot_at) == (WAITING, later(1), later(9))
    assert (item.data, item.inputs, item.aftercare) == ({"k": "a"}, {"n": 1}, {"done": "done"})
    assert (item.starts, item.instance_id, item.settled_at) == (0, None, None)


def test_a_key_is_known_per_job_and_schedule_until_it_is_forgotten(store: Store) -> None:
    uid, other = install(store), install(store, "other")
    first = add(store, uid, "a")
    assert add(store, uid, "a") is None
    assert add(store, uid, "a", schedule="second") and add(store, other, "a")
    store.transact(lambda tx: tx.arrivals.forget_key(first or 0))
    assert add(store, uid, "a")


def test_what_waits_is_given_to_one_run_in_order(store: Store) -> None:
    uid = install(store)
    ids = [add(store, uid, key, n) or 0 for n, key in enumerate("abc")]
    run = created(store, a_manual_run(uid))
    with store.read() as reader:
        assert [each.id for each in reader.arrivals.waiting(uid, "default")] == ids
        assert [each.id for each in reader.arrivals.waiting(uid, "default", 2)] == ids[:2]
        assert reader.arrivals.count_waiting(uid, "default") == 3
    store.transact(lambda tx: tx.arrivals.give(ids[:2], run, one_by_one=True))
    with store.read() as reader:
        assert [(i.id, i.state, i.reason, i.starts) for i in reader.arrivals.of_instance(run)] == [
            (ids[0], TAKEN, ONE_BY_ONE, 1),
            (ids[1], TAKEN, ONE_BY_ONE, 1),
        ]
        assert reader.arrivals.counts() == {(uid, "default"): {TAKEN: 2, WAITING: 1}}
    with pytest.raises(ChangedMeanwhile, match="1 of the items for run"):
        store.transact(lambda tx: tx.arrivals.give([ids[1], ids[2]], run))
    store.transact(lambda tx: tx.arrivals.give_back(ids[:1]))
    with store.read() as reader:
        assert [each.id for each in reader.arrivals.waiting(uid, "default")] == [ids[0], ids[2]]


def test_items_of_runs_that_are_over_are_found_with_how_they_ended(store: Store) -> None:
    uid = install(store)
    ids = [add(store, uid, key) or 0 for key in "ab"]
    ended, open_run = live(store, a_manual_run(uid)), created(store, a_manual_run(uid, "manual:2"))
    store.transact(lambda tx: tx.arrivals.give(ids[:1], ended))
    store.transact(lambda tx: tx.arrivals.give(ids[1:], open_run))
    with store.read() as reader:
        [given] = reader.arrivals.given()
        assert reader.arrivals.given(("another", given.item.schedule)) == []
        assert reader.arrivals.given((given.item.job_uid, "another")) == []
        assert reader.arrivals.given((given.item.job_uid, given.item.schedule)) == [given]
    assert (given.item.id, given.instance_state, given.began) == (ids[0], "SUCCEEDED", True)


def test_an_item_is_settled_once_and_from_the_state_that_is_expected(store: Store) -> None:
    uid = install(store)
    id = add(store, uid, "a") or 0

    def settle(state: str, expected: str, instance_id: int | None = None) -> int:
        return store.transact(
            lambda tx: tx.arrivals.settle(
                [id], state, reason="r", at=later(5), expected=expected, instance_id=instance_id
            )
        )

    assert settle(DONE, TAKEN) == 0
    assert settle(DONE, WAITING, instance_id=7) == 0
    assert settle(FAILED, WAITING) == 1
    assert settle(DROPPED, WAITING) == 0
    with store.read() as reader:
        [item] = reader.arrivals.of_job(uid)
        assert reader.arrivals.of_job(uid, (DONE,)) == []
        assert reader.arrivals.counts() == {(uid, "default"): {FAILED: 1}}
    assert (item.state, item.reason, item.settled_at) == (FAILED, "r", later(5))
    assert store.transact(lambda tx: tx.arrivals.again(id))
    assert not store.transact(lambda tx: tx.arrivals.again(id))


def test_what_is_pruned_may_be_remembered_until_it_is_forgotten(store: Store) -> None:
    uid = install(store)
    for key in ("a", "b"):
        id = add(store, uid, key, kind="webhook") or 0
        store.transact(
            lambda tx, id=id: tx.arrivals.settle([id], DONE, reason="", at=later(2), expected=WAITING)  # type: ignore[misc]
        )
    prune = {"before": later(3), "kinds": ("webhook",), "remembers": lambda key: key == "a"}
    assert store.transact(lambda tx: tx.arrivals.prune(**prune)) == 2
    with store.read() as reader:
        assert [reader.arrivals.was_delivered(uid, "default", key) for key in ("a", "b")] == [True, False]
        assert not reader.arrivals.was_delivered(uid, "another", "a")
    assert store.transact(lambda tx: tx.arrivals.forget_delivered(later(0))) == 0
    assert store.transact(lambda tx: tx.arrivals.forget_delivered(later(90_000))) == 1
