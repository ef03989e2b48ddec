"""Whatever the store is made of: holds, slots, state, sessions and events."""

from __future__ import annotations

import pytest
from store_builders import (
    AT,
    a_decision,
    a_hold,
    a_manual_run,
    a_slot_run,
    begin,
    create,
    created,
    install,
    later,
    live,
)

from runner.store.notifications import NotificationRecord
from runner.store.port import Store
from runner.vocabulary.errors import ChangedMeanwhile


def add(store: Store, uid: str, kind: str = "operator", **given: object) -> bool:
    return store.transact(lambda tx: tx.holds.add(uid, a_hold(kind, **given), who="ana", why="INC-123"))


def clear(store: Store, uid: str, kind: str, owner: str | None = None) -> bool:
    return store.transact(lambda tx: tx.holds.clear(uid, kind, owner, at=later(1), who="ana"))


def test_a_hold_is_added_once_and_says_so(store: Store) -> None:
    uid = install(store)
    assert add(store, uid)
    assert not add(store, uid, since=later(5))
    with store.read() as reader:
        (hold,) = reader.holds.of(uid)
        assert (hold.object_uid, hold.kind, hold.owner, hold.reason) == (uid, "operator", "ana", "INC-123")
        assert (hold.since, hold.until) == (AT, None)
        added = [e for e in reader.events.of("Job", "nightly") if e.event.startswith("hold.")]
        assert [(e.event, e.after, e.who, e.why) for e in added] == [
            ("hold.added", "operator", "ana", "INC-123")
        ]


def test_a_hold_added_again_with_another_end_is_renewed_and_keeps_its_beginning(store: Store) -> None:
    uid = install(store)
    add(store, uid)
    assert add(store, uid, until=later(60), since=later(5))
    with store.read() as reader:
        (hold,) = reader.holds.of(uid)
    assert (hold.since, hold.until) == (AT, later(60))


def test_an_owner_clears_only_its_own_kind(store: Store) -> None:
    uid = install(store)
    for kind in ("operator", "git", "group:night"):
        add(store, uid, kind)
    assert clear(store, uid, "operator")
    assert not clear(store, uid, "operator")
    with store.read() as reader:
        assert [h.kind for h in reader.holds.of(uid)] == ["git", "group:night"]
        assert reader.holds.all()[uid] == reader.holds.of(uid)


def test_one_owners_hold_can_be_cleared_alone(store: Store) -> None:
    uid = install(store)
    add(store, uid)
    add(store, uid, owner="ben")
    assert clear(store, uid, "operator", "ana")
    with store.read() as reader:
        assert [h.owner for h in reader.holds.of(uid)] == ["ben"]


def test_holds_that_end_by_themselves_are_found(store: Store) -> None:
    uid = install(store)
    add(store, uid, "paused", until=later(30))
    add(store, uid, "operator", until=later(10))
    add(store, uid, "git")
    with store.read() as reader:
        assert reader.holds.next_end() == later(10)
        assert [h.kind for h in reader.holds.ending_before(later(10))] == ["operator"]
        assert [h.kind for h in reader.holds.ending_before(later(99))] == ["operator", "paused"]


def test_nothing_holds_what_is_not_there(store: Store) -> None:
    with pytest.raises(ChangedMeanwhile, match="Object gone is not installed any more"):
        add(store, "gone")


def test_a_slot_is_decided_once_and_moves_the_watermark(store: Store) -> None:
    uid = install(store)
    assert store.transact(lambda tx: tx.slots.decide(a_decision(uid)))
    assert not store.transact(lambda tx: tx.slots.decide(a_decision(uid, reason="again")))
    with store.read() as reader:
        assert reader.slots.list(uid) == [a_decision(uid)]
        assert reader.slots.decided_at(uid, a_decision(uid).slot_at) == [a_decision(uid)]
        assert reader.slots.decided_at(uid, later(7)) == []
        watermark = reader.slots.watermark(uid, "default")
        assert watermark is not None
        assert (watermark.at, watermark.slot_key) == (later(3600), a_decision(uid).slot_key)
        assert reader.slots.watermarks() == {(uid, "default"): watermark}


def test_a_skipped_slot_never_becomes_a_run(store: Store) -> None:
    uid = install(store)
    store.transact(lambda tx: tx.slots.decide(a_decision(uid)))
    assert create(store, a_slot_run(uid)) is None
    with store.read() as reader:
        assert reader.instances.list() == []
        assert reader.slots.is_decided(uid, a_slot_run(uid).slot_key)
        assert not reader.slots.is_decided(uid, a_slot_run(uid, 2).slot_key)


def test_a_run_of_a_slot_writes_the_ledger_and_moves_the_watermark(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    with store.read() as reader:
        (slot,) = reader.slots.list()
        watermark = reader.slots.watermark(uid, "default")
    assert (slot.decision, slot.instance_id, slot.reason) == ("instance", id, "slot")
    assert watermark is not None and watermark.at == later(3600)


def test_a_manual_run_touches_neither_ledger_nor_watermark(store: Store) -> None:
    uid = install(store)
    created(store, a_manual_run(uid))
    with store.read() as reader:
        assert reader.slots.list() == []
        assert reader.slots.watermark(uid, "default") is None


def test_a_decision_never_moves_the_watermark_backwards_but_an_edit_may(store: Store) -> None:
    uid = install(store)
    store.transact(lambda tx: tx.slots.decide(a_decision(uid, 5)))
    store.transact(lambda tx: tx.slots.decide(a_decision(uid, 2)))
    store.transact(lambda tx: tx.slots.decide(a_decision(uid, 9), move_watermark=False))
    with store.read() as reader:
        assert reader.slots.watermark(uid, "default") == (later(5 * 3600), a_decision(uid, 5).slot_key)
    store.transact(lambda tx: tx.slots.set_watermark(uid, "default", AT))
    with store.read() as reader:
        assert reader.slots.watermark(uid, "default") == (AT, None)
    store.transact(lambda tx: tx.slots.drop_watermark(uid, "default"))
    with store.read() as reader:
        assert reader.slots.watermarks() == {}
        assert len(reader.slots.list(uid, since=later(3 * 3600))) == 2


def test_state_data_is_one_row_per_run_and_target(store: Store) -> None:
    uid = install(store)
    id = created(store, a_slot_run(uid))
    for data in ({"page": 1}, {"page": 2}):
        store.transact(lambda tx, data=data: tx.state.put(uid, id, "-", data, at=AT))
    store.transact(lambda tx: tx.state.put(uid, id, "north", [1, "é", None], at=AT))
    with store.read() as reader:
        rows = reader.state.of_instance(id)
    assert [(s.target, s.data) for s in rows] == [("-", {"page": 2}), ("north", [1, "é", None])]


def test_a_successor_takes_over_what_a_failed_run_left(store: Store) -> None:
    uid = install(store)
    failed, successor = (created(store, a_slot_run(uid, n)) for n in (1, 2))
    store.transact(lambda tx: tx.state.put(uid, failed, "-", {"page": 2}, at=AT))
    assert store.transact(lambda tx: tx.state.take_over(successor, predecessor=failed, at=later(1))) == 1
    with store.read() as reader:
        assert reader.state.of_instance(failed) == []
        assert [s.data for s in reader.state.of_instance(successor)] == [{"page": 2}]


def test_a_checkpoint_is_kept_with_its_step_and_only_of_a_live_run_at_its_epoch(store: Store) -> None:
    uid = install(store)
    id = created(store, a_manual_run(uid))
    store.transact(lambda tx: begin(tx, id))

    def checkpoint(n: int, data: str | None, step: str = "load", epoch: int = 1, **more: object) -> None:
        store.transact(
            lambda tx: tx.state.checkpoint(
                id, "-", epoch=epoch, at=AT, step=step, n=n, cursor='{"a":1}', data=data, **more
            )
        )

    checkpoint(1, '{"page":3}', wake_at=later(5))
    store.transact(lambda tx: tx.state.wake(id, "another"))
    with store.read() as reader:
        assert [row.wake_at for row in reader.state.of_instance(id)] == [later(5)]
    store.transact(lambda tx: tx.state.wake(id))
    with store.read() as reader:
        assert [row.wake_at for row in reader.state.of_instance(id)] == [None]
    checkpoint(2, None)  # unchanged
    with store.read() as reader:
        (row,) = reader.state.of_instance(id)
        assert (row.data, row.step, row.n, row.cursor, row.wake_at) == (
            {"page": 3},
            "load",
            2,
            {"a": 1},
            None,
        )
        assert reader.state.last_owner(uid) == id
    checkpoint(3, None, step="next")  # of another step, which has saved nothing yet
    with store.read() as reader:
        assert [row.data for row in reader.state.of_instance(id)] == [None]
    checkpoint(4, None, step="next", completes=True)
    with store.read() as reader:
        assert [row.step for row in reader.state.of_instance(id)] == [""]
    with pytest.raises(ChangedMeanwhile):
        checkpoint(5, "{}", epoch=2)


def test_keys_of_the_persistent_state_are_changed_one_by_one(store: Store) -> None:
    uid = install(store)

    def merge(changed: dict[str, str], removed: tuple[str, ...] = ()) -> None:
        store.transact(lambda tx: tx.state.merge_persistent(uid, changed=changed, removed=removed, at=AT))

    merge({"a": "1", "b": '["é"]'})
    merge({"a": "2"}, ("b", "never"))
    with store.read() as reader:
        kept = reader.state.persistent(uid)
        assert kept is not None
        assert kept.data == {"a": 2}
    with pytest.raises(ValueError, match="larger than 4 MiB"):
        merge({"a": '"' + "x" * (5 << 20) + '"'})


def test_notifications_are_kept_with_their_run(store: Store) -> None:
    id = created(store, a_manual_run(install(store)))
    told = [NotificationRecord(id, AT, "info", "t", text, "edge-1", "load") for text in ("one", "two")]
    for each in told:
        store.transact(lambda tx, each=each: tx.notifications.add(each))
    with store.read() as reader:
        assert reader.notifications.of_all([id, 99]) == {id: told, 99: []}


def test_persistent_state_outlives_completion_and_is_cleared_on_its_own(store: Store) -> None:
    uid = install(store)
    store.transact(lambda tx: tx.state.put_persistent(uid, {"last": 7}, at=AT))
    live(store, a_slot_run(uid))
    with store.read() as reader:
        kept = reader.state.persistent(uid)
        assert kept is not None and kept.data == {"last": 7}
    assert store.transact(lambda tx: tx.state.clear(uid, at=AT, who="ana")) == 0
    assert store.transact(lambda tx: tx.state.clear_persistent(uid, at=AT, who="ana", why="start again"))
    assert not store.transact(lambda tx: tx.state.clear_persistent(uid, at=AT, who="ana"))
    with store.read() as reader:
        assert reader.state.persistent(uid) is None
        assert reader.events.of("Job", "nightly")[0].why == "start again"


def test_clearing_state_can_be_limited_to_one_run(store: Store) -> None:
    uid = install(store)
    ids = [created(store, a_slot_run(uid, n)) for n in (1, 2)]
    for id in ids:
        store.transact(lambda tx, id=id: tx.state.put(uid, id, "-", {}, at=AT))
    assert store.transact(lambda tx: tx.state.clear(uid, instance_id=ids[0], at=AT, who="ana")) == 1
    with store.read() as reader:
        assert [s.instance_id for s in reader.state.of(uid)] == [ids[1]]


def start(store: Store, kind: str = "up", pid: int = 1) -> int:
    return store.transact(
        lambda tx: tx.sessions.start(kind, pid=pid, host="vm", boot_id="b", login="ana", at=AT)
    )


def test_a_daemon_is_present_from_start_to_end(store: Store) -> None:
    start(store, "cli")
    id = start(store)
    store.transact(lambda tx: tx.sessions.beat(id, later(5)))
    with store.read() as reader:
        found = reader.sessions.current_daemon()
        assert found is not None
        assert (found.id, found.pid, found.host, found.heartbeat_at) == (id, 1, "vm", later(5))
    store.transact(lambda tx: tx.sessions.end(id, later(9), "SIGTERM"))
    store.transact(lambda tx: tx.sessions.end(id, later(10), "again"))
    with store.read() as reader:
        assert reader.sessions.current_daemon() is None
        ended = reader.sessions.get(id)
        assert ended is not None
        assert (ended.ended_at, ended.ended_how) == (later(9), "SIGTERM")
        assert [s.kind for s in reader.sessions.list()] == ["up", "cli"]


def test_the_holder_of_the_lock_ends_those_that_never_said_goodbye(store: Store) -> None:
    lost, cli, now = start(store), start(store, "cli"), start(store)
    assert store.transact(lambda tx: tx.sessions.end_others(now, later(1), "died")) == 1
    with store.read() as reader:
        ends = {s.id: s.ended_how for s in reader.sessions.list()}
    assert ends == {lost: "died", cli: None, now: None}


def test_events_can_be_followed(store: Store) -> None:
    uid = install(store)
    with store.read() as reader:
        seen = reader.events.last_id()
    created(store, a_slot_run(uid))
    store.transact(
        lambda tx: tx.events.append("Group", "night", "group.enabled", at=AT, who="ana", details={"jobs": 3})
    )
    with store.read() as reader:
        fresh = reader.events.since(seen)
        assert [e.event for e in fresh] == ["create_slot", "create", "group.enabled"]
        assert fresh[-1].details == {"jobs": 3}
        assert reader.events.last_id() == fresh[-1].id
        assert [e.id for e in reader.events.since(seen, limit=1)] == [fresh[0].id]
        assert reader.events.of("Group", "night") == [fresh[-1]]


def test_events_written_in_a_transaction_can_be_read_in_it(store: Store) -> None:
    def work(tx):  # type: ignore[no-untyped-def]
        tx.events.append("Job", "x", "a", at=AT, who="ana")
        return [e.event for e in tx.events.of("Job", "x")]

    assert store.transact(work) == ["a"]


def test_the_runs_that_something_has_happened_to_are_told_with_their_jobs(store: Store) -> None:
    uid = install(store)
    first, second = created(store, a_manual_run(uid, "1")), created(store, a_manual_run(uid, "2"))
    with store.read() as reader:
        seen = reader.events.last_id()
        assert reader.events.runs_since(0, 10) == {first: uid, second: uid}
        assert reader.events.runs_since(seen, 10) == {}
    add(store, uid)
    store.transact(lambda tx: begin(tx, second))
    with store.read() as reader:
        assert reader.events.runs_since(seen, 10) == {second: uid}, "a hold is of no run"
        assert len(reader.events.runs_since(0, 1)) == 1
