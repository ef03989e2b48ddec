"""What every store does with requests that were not taken."""

from __future__ import annotations

from dataclasses import replace

from store_builders import later

from runner.store.port import Store
from runner.store.refusals import RefusalRecord

REFUSED = RefusalRecord(
    job_uid="u1",
    schedule="orders",
    rule="bad-signature",
    count=3,
    first_at=later(1),
    last_at=later(2),
    path="orders",
    detail="no signature fits",
)


def test_the_same_again_is_counted_and_the_last_words_stay(store: Store) -> None:
    again = replace(REFUSED, count=2, first_at=later(5), last_at=later(6), detail="no signature fits at all")
    other = replace(REFUSED, rule="bad-time", first_at=later(3), last_at=later(3))
    elsewhere = replace(REFUSED, job_uid="", schedule="", rule="unknown-hook", path="nowhere")
    for each in (REFUSED, again, other, elsewhere):
        store.transact(lambda tx, each=each: tx.refusals.add(each))  # type: ignore[misc]
    counted = replace(again, count=5, first_at=later(1))
    with store.read() as reader:
        assert reader.refusals.all() == [counted, other, elsewhere]
        assert reader.refusals.all("u1") == [counted, other]


def test_what_has_not_been_refused_for_long_is_forgotten(store: Store) -> None:
    store.transact(lambda tx: tx.refusals.add(REFUSED))
    assert store.transact(lambda tx: tx.refusals.prune(later(2))) == 0
    assert store.transact(lambda tx: tx.refusals.prune(later(3))) == 1
    with store.read() as reader:
        assert reader.refusals.all() == []
