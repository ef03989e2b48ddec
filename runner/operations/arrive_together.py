"""Take in what came together as if it had come one after the other: room is made before a queue is full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from runner.operations.arrive import QUEUED, Arrived, arrive
from runner.operations.feed import feed
from runner.operations.trigger_of import Triggered
from runner.store.arrivals import NewItem
from runner.store.port import Transaction


def arrive_together(
    tx: Transaction, found: Triggered, news: Iterable[NewItem], now: datetime
) -> Iterator[Arrived]:
    """What became of each, in order. Runs are made of those before when there is no room for the next."""
    uid, name, flow = found.record.uid, found.name, found.trigger.flow
    waiting = tx.arrivals.count_waiting(uid, name)
    unfed = True
    for new in news:
        if unfed and waiting >= flow.limit:
            feed(tx, uid, name, now)
            waiting, unfed = tx.arrivals.count_waiting(uid, name), False
        arrived = arrive(tx, new, flow, now, waiting=waiting)
        if arrived.outcome == QUEUED:  # what is dropped makes room for what comes
            waiting, unfed = min(waiting + 1, max(flow.limit, waiting)), True
        yield arrived
