"""What arrived long ago is forgotten, but never so early that it could count twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from installations import NOW, Installation
from triggered_lives import a_triggered_job, items

from runner.operations.prune_arrivals import prune_arrivals
from runner.store.arrivals import DONE, NewItem


def test_requests_are_known_for_a_year_and_files_as_long_as_they_may_be_there(here: Installation) -> None:
    here.install(a_triggered_job("load"))
    uid = here.uid("load")

    def settled(kind: str, key: str, days: int, state: str = DONE, **more: Any) -> None:
        new = NewItem(
            job_uid=uid, schedule="default", kind=kind, key=key, source="", data={"payload": 1}, **more
        )
        here.store.transact(lambda tx: tx.arrivals.add(new, at=NOW - timedelta(days=days), state=state))

    settled("webhook", "of last year", 366)
    settled("webhook", "of spring", 200)
    settled("webhook", "of last week", 7)
    settled("file", "it stays there", 1000)
    settled("file", "it was moved", 100, aftercare={"done": "done"})
    settled("after", "a:1", 100)
    settled("after", "it waits", 100, state="WAITING")
    settled("webhook", f"webhook:{'5e' * 32}", 366)
    assert prune_arrivals(here.store, NOW) == 4
    assert {item.key: dict(item.data) for item in items(here, "load")} == {
        "of spring": {},
        "of last week": {"payload": 1},
        "it stays there": {"payload": 1},
        "it waits": {"payload": 1},
    }

    def is_remembered(key: str) -> bool:
        with here.store.read() as reader:
            return reader.arrivals.was_delivered(uid, "default", key)

    assert is_remembered(f"webhook:{'5e' * 32}")  # its signature has no time in it
    assert not is_remembered("of last year")
    prune_arrivals(here.store, NOW + timedelta(days=10 * 365))
    assert not is_remembered(f"webhook:{'5e' * 32}")
