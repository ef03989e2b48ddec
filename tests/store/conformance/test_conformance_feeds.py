"""Feeds: since when, and how far, the ends of runs count for who waits for them."""

from __future__ import annotations

from store_builders import a_manual_run, install, live

from runner.store.port import Store


def test_ends_of_runs_come_in_the_order_of_their_events(store: Store) -> None:
    uid, other = install(store), install(store, "other")
    with store.read() as reader:
        before = reader.events.last_id()
    ids = [live(store, a_manual_run(uid, f"manual:{n}"), well=n == 1) for n in (1, 2)]
    live(store, a_manual_run(other))
    with store.read() as reader:
        last = reader.events.last_id()
        ends = reader.feeds.ends_after(before, last, [uid])
        assert reader.feeds.ends_after(last, last, [uid]) == []
        assert reader.feeds.cursor() == 0
    assert [(end.instance_id, end.state) for end in ends] == [(ids[0], "SUCCEEDED"), (ids[1], "FAILED")]
    store.transact(lambda tx: tx.feeds.set_cursor(last))
    with store.read() as reader:
        assert reader.feeds.cursor() == last


def test_from_when_ends_count_is_kept_per_trigger(store: Store) -> None:
    uid = install(store)
    for since in (5, 7):
        store.transact(lambda tx, since=since: tx.feeds.set(uid, "default", since))  # type: ignore[misc]
    with store.read() as reader:
        assert reader.feeds.all() == {(uid, "default"): 7}
    store.transact(lambda tx: tx.feeds.drop(uid, "default"))
    with store.read() as reader:
        assert reader.feeds.all() == {}
