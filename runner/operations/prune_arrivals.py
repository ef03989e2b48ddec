"""Forget what arrived long ago, but never so early that it could count twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from runner.operations.arrive import is_remembered
from runner.operations.refusals import prune_refusals
from runner.store.port import Store

REQUESTS_KNOWN = timedelta(days=365)
"""How long the item of a request is kept. One with a time in its signature is refused after an hour anyway;
GitHub's has none, and could be sent again: that it came is remembered for longer, in some 35 bytes.
"""

DELIVERIES_KNOWN = timedelta(days=3653)
"""Nobody keeps one secret for ten years."""

PAYLOADS_KEPT = timedelta(days=30)
"""A run keeps what it was given as long as its history; this is the item's own copy."""

OTHERS_KNOWN = timedelta(days=90)
"""Ends of jobs, starts of the daemon, and files that were moved away: none of them can come again."""

PORTION = 1000


def prune_arrivals(store: Store, now: datetime) -> int:
    """How many went. What waits stays, and so does a file's item while the file may still be there."""
    gone = 0
    for before, kinds in (
        (now - REQUESTS_KNOWN, ("webhook",)),
        (now - OTHERS_KNOWN, ("after", "startup", "file")),
    ):
        while True:
            went = store.transact(
                lambda tx, b=before, k=kinds: tx.arrivals.prune(b, k, PORTION, remembers=is_remembered)  # type: ignore[misc]
            )
            gone += went
            if went < PORTION:
                break
    while store.transact(lambda tx: tx.arrivals.empty(now - PAYLOADS_KEPT, PORTION)) == PORTION:
        pass
    store.transact(lambda tx: tx.arrivals.forget_delivered(now - DELIVERIES_KNOWN))
    return gone + prune_refusals(store, now)
