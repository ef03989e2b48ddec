"""What every store does with git sources, and with what a rollback has pinned."""

from __future__ import annotations

from dataclasses import replace

from store_builders import AT, later

from runner.store.port import Store
from runner.store.sources import QuarantineRecord, SourceRecord
from runner.vocabulary.identity import Address

MAIN = SourceRecord(
    name="main",
    url="https://git.example/jobs.git",
    ref="branch main",
    path="jobs.d",
    attempted="b" * 40,
    attempted_ref="main",
    attempted_at=later(1),
    applied="a" * 40,
    applied_ref="main",
    applied_at=AT,
    checked_at=later(2),
    next_at=later(62),
    failures=2,
    conditions={"Ready": {"status": "False", "reason": "Unsigned"}},
)
PINNED = QuarantineRecord(
    source="git:main",
    address=Address("Job", "report"),
    uid="u1",
    revision=3,
    bad_commit="b" * 40,
    bad_digest="sha256:bad",
    bad_own="sha256:own",
    bad_serial=8,
    to_serial=7,
    since=AT,
    who="ana",
    why="INC-1",
)


def test_a_source_comes_back_as_it_was(store: Store) -> None:
    store.transact(lambda tx: tx.sources.put(MAIN))
    with store.read() as reader:
        assert reader.sources.all() == [MAIN]
        assert reader.sources.get("other") is None


def test_who_asked_for_a_look_is_kept_when_the_source_is_written_again(store: Store) -> None:
    store.transact(lambda tx: tx.sources.put(MAIN))
    assert store.transact(lambda tx: tx.sources.ask("main", at=later(5), who="ana"))
    assert not store.transact(lambda tx: tx.sources.ask("other", at=later(5), who="ana"))
    store.transact(lambda tx: tx.sources.put(replace(MAIN, failures=3)))
    with store.read() as reader:
        assert reader.sources.get("main") == replace(MAIN, failures=3, asked_at=later(5), asked_by="ana")
    store.transact(lambda tx: tx.sources.answer("main", later(5)))
    with store.read() as reader:
        found = reader.sources.get("main")
    assert found is not None and found.answered_at == later(5)


def test_a_source_that_is_dropped_is_gone(store: Store) -> None:
    store.transact(lambda tx: tx.sources.put(MAIN))
    store.transact(lambda tx: tx.sources.drop("main"))
    with store.read() as reader:
        assert reader.sources.all() == []


def test_a_quarantine_is_active_until_it_is_ended_and_stays_in_the_history(store: Store) -> None:
    store.transact(lambda tx: tx.quarantines.begin(PINNED))
    with store.read() as reader:
        (active,) = reader.quarantines.active("git:main")
        assert reader.quarantines.active("jobs.d") == []
        assert reader.quarantines.active() == [active]
    assert active == replace(PINNED, id=active.id)
    assert store.transact(lambda tx: tx.quarantines.end(active.id, at=later(9), by="c" * 40))
    assert not store.transact(lambda tx: tx.quarantines.end(active.id, at=later(10), by="d" * 40))
    with store.read() as reader:
        assert reader.quarantines.active() == []
        assert reader.quarantines.of_source("git:main") == [
            replace(active, ended_at=later(9), ended_by="c" * 40)
        ]


def test_a_later_quarantine_takes_the_place_of_the_one_before(store: Store) -> None:
    store.transact(lambda tx: tx.quarantines.begin(PINNED))
    store.transact(lambda tx: tx.quarantines.begin(replace(PINNED, revision=None, since=later(5))))
    with store.read() as reader:
        (active,) = reader.quarantines.active()
        assert len(reader.quarantines.of_source("git:main")) == 2
    assert active.revision is None
