"""What every store does with applies and the lease of whoever applies."""

from __future__ import annotations

from dataclasses import replace

from store_builders import later

from runner.store.applies import ApplyRecord, LeaseRecord
from runner.store.port import Store

LEASE = LeaseRecord(
    name="apply",
    token="t1",
    holder="ana",
    pid=4711,
    host="hal",
    boot_id="b",
    commit="4f2c9e1",
    taken_at=later(0),
    expires_at=later(60),
)
APPLY = ApplyRecord(
    serial=1,
    at=later(1),
    who="ana",
    verb="apply",
    approval="asked",
    source="jobs.d",
    commit="4f2c9e1",
    branch="main",
    dirty=True,
    plan_digest="sha256:1",
    allowed={"delete": 4},
    changes=({"action": "install", "address": "Job/a", "uid": "u", "reason": "declared"},),
    left=({"address": "Job/b"},),
)


def test_a_lease_is_released_only_by_who_holds_it(store: Store) -> None:
    store.transact(lambda tx: tx.leases.take(LEASE))
    with store.read() as reader:
        assert reader.leases.get("apply") == LEASE
    store.transact(lambda tx: tx.leases.take(replace(LEASE, token="t2", holder="ben")))

    assert not store.transact(lambda tx: tx.leases.release("apply", "t1"))
    assert store.transact(lambda tx: tx.leases.release("apply", "t2"))
    with store.read() as reader:
        assert reader.leases.get("apply") is None


def test_applies_come_back_as_they_were_and_chained(store: Store) -> None:
    first = store.transact(lambda tx: tx.applies.add(APPLY))
    second = store.transact(lambda tx: tx.applies.add(replace(APPLY, serial=4, source="etc", commit=None)))
    with store.read() as reader:
        newest, oldest = reader.applies.list()
        assert oldest == replace(APPLY, hash=first)
        assert (newest.serial, newest.previous, newest.hash, newest.commit) == (4, first, second, None)
        assert [each.serial for each in reader.applies.list(source="jobs.d")] == [1]
        assert [each.serial for each in reader.applies.list(before=4)] == [1]
        assert [each.serial for each in reader.applies.between(0, 4)] == [1, 4]
        assert reader.applies.get(2) is None
