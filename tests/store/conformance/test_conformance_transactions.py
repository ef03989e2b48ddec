"""Whatever the store is made of: what is durable, what is undone, and who hears of it when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from store_builders import AT, a_manual_run, a_slot_run, an_object, created, install

from runner.store.port import Store, Transaction
from runner.vocabulary.errors import ChangedMeanwhile, StoreUnavailable
from runner.vocabulary.identity import Address

PATIENCE_S = 20


class Heard:
    """Collects what `then` was told, and waits for it."""

    def __init__(self, expected: int) -> None:
        self.told: list[tuple[Any, BaseException | None]] = []
        self._expected = expected
        self._all = threading.Event()

    def then(self, result: Any, problem: BaseException | None) -> None:
        self.told.append((result, problem))
        if len(self.told) == self._expected:
            self._all.set()

    def wait(self) -> list[tuple[Any, BaseException | None]]:
        assert self._all.wait(PATIENCE_S), "nobody called"
        return self.told


def test_what_transact_returned_is_there_for_everyone(make_store: Callable[[], Store]) -> None:
    one, other = make_store(), make_store()
    assert one.lineage == other.lineage == one.installation_id
    uid = install(one)
    with other.read() as reader:
        assert reader.objects.by_uid(uid) is not None


def test_a_work_that_raises_changes_nothing_at_all(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.objects.install(an_object(), at=AT, who="git")
        raise ZeroDivisionError("halfway")

    with pytest.raises(ZeroDivisionError, match="halfway"):
        store.transact(work)
    with store.read() as reader:
        assert reader.objects.all() == []
        assert reader.events.last_id() == 0


def test_a_reader_sees_one_moment_however_long_it_looks(make_store: Callable[[], Store]) -> None:
    one, other = make_store(), make_store()
    with one.read() as reader:
        assert reader.objects.all() == []
        install(other)
        install(one, "second")
        assert reader.objects.all() == []
        assert reader.events.last_id() == 0
    with one.read() as reader:
        assert len(reader.objects.all()) == 2


def test_readers_may_be_nested(store: Store) -> None:
    with store.read() as outer:
        install(store)
        with store.read() as inner:
            assert (len(outer.objects.all()), len(inner.objects.all())) in [(0, 1), (1, 1)]


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable), store.read() as reader:
        reader.objects.install(an_object(), at=AT, who="git")  # type: ignore[attr-defined]


def test_submitted_works_are_done_in_order_and_told_when_durable(make_store: Callable[[], Store]) -> None:
    store, witness = make_store(), make_store()
    uid = install(store)
    seen: list[bool] = []
    heard = Heard(50)

    def then(id: int | None, problem: BaseException | None) -> None:
        with witness.read() as reader:
            seen.append(id is not None and reader.instances.get(id) is not None)
        heard.then(id, problem)

    for number in range(50):
        run = a_manual_run(uid, f"manual:{number}")
        store.submit(lambda tx, run=run: tx.instances.create(run, who="ana", at=AT), then)
    ids = [id for id, problem in heard.wait() if problem is None]
    assert ids == sorted(ids)
    assert seen == [True] * 50


def test_one_failing_work_hurts_no_other_of_its_commit(store: Store) -> None:
    uid = install(store)
    heard = Heard(3)
    gate = threading.Event()

    def hold_the_door(tx: Transaction) -> None:
        gate.wait(PATIENCE_S)

    def half(tx: Transaction) -> None:
        tx.instances.create(a_slot_run(uid, 2), who="s", at=AT)
        raise ChangedMeanwhile("no")

    store.submit(hold_the_door, lambda result, problem: None)
    store.submit(lambda tx: tx.instances.create(a_slot_run(uid, 1), who="s", at=AT), heard.then)
    store.submit(half, heard.then)
    store.submit(lambda tx: tx.instances.create(a_slot_run(uid, 3), who="s", at=AT), heard.then)
    gate.set()
    first, second, third = heard.wait()
    assert (first[1], str(second[1]), third[1]) == (None, "no", None)
    with store.read() as reader:
        assert [i.slot_key for i in reader.instances.list()] == [
            a_slot_run(uid, 3).slot_key,
            a_slot_run(uid, 1).slot_key,
        ]
        assert not reader.slots.is_decided(uid, a_slot_run(uid, 2).slot_key)
        assert [e.row for e in reader.events.of("instance", str(first[0]))] == ["T1", "I1"]


def test_transact_comes_after_what_was_submitted_before(store: Store) -> None:
    uid = install(store)
    heard = Heard(1)
    store.submit(lambda tx: tx.instances.create(a_manual_run(uid), who="ana", at=AT), heard.then)
    assert store.transact(lambda tx: len(tx.instances.list())) == 1


def test_what_is_tried_now_is_durable_and_told_before_it_returns_or_not_done_at_all(
    make_store: Callable[[], Store],
) -> None:
    store, witness = make_store(), make_store()
    uid = install(store)
    heard = Heard(3)

    def job(number: int) -> Any:
        run = a_manual_run(uid, f"manual:{number}")
        return lambda tx: tx.instances.create(run, who="ana", at=AT), heard.then

    was_done = store.try_now([job(1), job(2)])
    with witness.read() as reader:
        assert len(reader.instances.list()) == len(heard.told) == 2 * was_done


def test_of_works_tried_now_only_the_one_that_raises_leaves_nothing(store: Store) -> None:
    uid = install(store)
    heard = Heard(2)

    def half(tx: Transaction) -> None:
        tx.instances.create(a_manual_run(uid), who="ana", at=AT)
        raise ChangedMeanwhile("no")

    def whole(tx: Transaction) -> None:
        tx.instances.create(a_slot_run(uid, 1), who="s", at=AT)

    if store.try_now([(half, heard.then), (whole, heard.then)]):
        assert [problem and str(problem) for _, problem in heard.told] == ["no", None]
        with store.read() as reader:
            assert [run.slot_key for run in reader.instances.list()] == [a_slot_run(uid, 1).slot_key]


def test_transact_from_a_then_is_a_mistake_that_is_named(store: Store) -> None:
    heard = Heard(1)

    def then(result: object, problem: BaseException | None) -> None:
        try:
            store.transact(lambda tx: None)
        except RuntimeError as mistake:
            heard.then(str(mistake), None)

    store.submit(lambda tx: None, then)
    assert heard.wait() == [("transact() would wait for the thread that calls it; use submit()", None)]


def test_a_then_may_submit(store: Store) -> None:
    heard = Heard(1)
    store.submit(lambda tx: 1, lambda result, problem: store.submit(lambda tx: 2, heard.then))
    assert heard.wait() == [(2, None)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_then_that_raises_keeps_nobody_else_from_hearing(store: Store) -> None:
    heard = Heard(1)

    def bad(result: object, problem: BaseException | None) -> None:
        raise ZeroDivisionError

    store.submit(lambda tx: None, bad)
    store.submit(lambda tx: 7, heard.then)
    assert heard.wait() == [(7, None)]


def test_closing_finishes_what_is_queued(make_store: Callable[[], Store]) -> None:
    store = make_store()
    uid = install(store)
    for number in range(100):
        run = a_manual_run(uid, f"manual:{number}")
        store.submit(
            lambda tx, run=run: tx.instances.create(run, who="a", at=AT), lambda result, problem: None
        )
    store.close()
    store.close()
    with make_store().read() as reader:
        assert len(reader.instances.list(limit=None)) == 100


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="has been closed by this process"), store.read():
        pass
    with pytest.raises(StoreUnavailable, match="has been closed by this process; nothing was recorded"):
        store.transact(lambda tx: None)
    with pytest.raises(StoreUnavailable, match="has been closed by this process; nothing was recorded"):
        store.submit(lambda tx: None, lambda result, problem: None)


def test_many_threads_write_and_read_at_once(store: Store) -> None:
    uid = install(store)
    problems: list[BaseException] = []

    def work(thread: int) -> None:
        try:
            for number in range(20):
                created(store, a_manual_run(uid, f"manual:{thread}-{number}"))
                with store.read() as reader:
                    assert reader.objects.get(Address("Job", "nightly")) is not None
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert problems == []
    with store.read() as reader:
        assert len(reader.instances.list(limit=None)) == 120
