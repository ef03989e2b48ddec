"""What every store does with the presence of the daemon, the rules of zones, and reasons in the ledger."""

from __future__ import annotations

from datetime import datetime

from store_builders import AT, a_decision, install, later

from runner.store.port import Store
from runner.store.presence import StretchRecord
from runner.store.zones import ZoneRecord


def begin(store: Store, at: datetime, by: str = "start", **given: float) -> int:
    boot_s = (at - AT).total_seconds()
    return store.transact(lambda tx: tx.presence.begin(1, "boot-a", at=at, boot_s=boot_s, by=by, **given))


def test_a_stretch_comes_back_as_it_was(store: Store) -> None:
    id = begin(store, later(1), "forward", moved_s=90.5)
    store.transact(lambda tx: tx.presence.extend(id, at=later(11), boot_s=11.0))
    with store.read() as reader:
        assert reader.presence.last() == StretchRecord(
            id, 1, "boot-a", later(1), 1.0, "forward", 90.5, later(11), 11.0, ""
        )


def test_who_never_said_goodbye_is_lost_when_the_next_daemon_starts(store: Store) -> None:
    first = begin(store, later(0))
    second = begin(store, later(100), "suspend", moved_s=60)
    begin(store, later(200))
    with store.read() as reader:
        found = {stretch.id: stretch.ended_by for stretch in reader.presence.between(AT, later(300))}
    assert (found[first], found[second]) == ("suspend", "lost")


def test_an_ended_stretch_is_not_extended(store: Store) -> None:
    id = begin(store, later(0))
    store.transact(lambda tx: tx.presence.end(id, at=later(5), boot_s=5.0, by="stop"))
    store.transact(lambda tx: tx.presence.extend(id, at=later(50), boot_s=50.0))
    with store.read() as reader:
        last = reader.presence.last()
    assert last is not None
    assert (last.last_at, last.ended_by) == (later(5), "stop")


def test_stretches_around_a_time_come_with_their_neighbours(store: Store) -> None:
    ids = []
    for start in (0, 100, 200, 300):
        ids.append(begin(store, later(start)))
        store.transact(lambda tx, id=ids[-1], s=start: tx.presence.extend(id, at=later(s + 50), boot_s=0))  # type: ignore[misc]

    def between(after: float, until: float) -> list[int]:
        with store.read() as reader:
            return [stretch.id for stretch in reader.presence.between(later(after), later(until))]

    assert between(110, 120) == ids[:3]
    assert between(160, 170) == ids[1:3]  # while nobody was there
    assert between(900, 900) == ids[3:]
    assert between(-90, -80) == ids[:1]


def test_a_clock_that_is_put_back_comes_to_the_same_gap_again(store: Store) -> None:
    ids = []
    for start in (0, 100, 20, 200):  # the third time is before the second
        ids.append(begin(store, later(start)))
        store.transact(lambda tx, id=ids[-1], s=start: tx.presence.extend(id, at=later(s + 50), boot_s=0))  # type: ignore[misc]

    def gaps(moment: float) -> list[tuple[int, int]]:
        with store.read() as reader:
            return [(before.id, after.id) for before, after in reader.presence.gaps(later(moment))]

    assert gaps(80) == [(ids[0], ids[1]), (ids[2], ids[3])]
    assert gaps(160) == [(ids[2], ids[3])]
    assert gaps(60) == [(ids[0], ids[1])]
    assert gaps(500) == []


def test_the_rules_of_a_zone_take_the_place_of_those_before(store: Store) -> None:
    was = ZoneRecord("Europe/Berlin", "2026a", AT, b"TZif2\x00")
    now = ZoneRecord("Europe/Berlin", "2026b", later(1), b"TZif2\x01")
    for zone in (was, now):
        store.transact(lambda tx, zone=zone: tx.zones.put(zone))  # type: ignore[misc]
    with store.read() as reader:
        assert reader.zones.all() == {"Europe/Berlin": now}


def test_the_ledger_keeps_the_rule_and_what_was_in_the_way(store: Store) -> None:
    uid = install(store)
    kept = a_decision(uid, rule="overlap", blocker="instance 12")
    store.transact(lambda tx: tx.slots.decide(kept))
    with store.read() as reader:
        assert reader.slots.list(uid) == [kept]


def test_a_dropped_range_covers_all_of_its_time(store: Store) -> None:
    uid = install(store)
    range_ = a_decision(uid, 9, count=80, first_at=later(3600))
    single = a_decision(uid, 12)
    store.transact(lambda tx: [tx.slots.decide(row) for row in (range_, single)])
    with store.read() as reader:
        assert reader.slots.covering(uid, later(5 * 3600), later(5 * 3600)) == [range_]
        assert reader.slots.covering(uid, later(10 * 3600), later(20 * 3600)) == [single]
        assert reader.slots.covering(uid, later(0), later(10)) == []
