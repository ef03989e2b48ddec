"""Jobs that something triggers, and what happens to them, by the daemon's own operations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from installations import NOW, Installation, a_job
from lives import end, start

from runner.operations.arrive import Arrived, arrive
from runner.operations.feed import Fed, feed
from runner.operations.trigger_of import Triggered, trigger_of
from runner.store.arrivals import Item, NewItem
from runner.store.objects import NewObject

FILES = {"file": {"root": "incoming", "match": "*.csv"}}
MOVED = {"file": {"root": "incoming", "match": "*.csv", "then": "move"}}


def a_triggered_job(name: str, trigger: dict[str, Any] | None = None, **spec: Any) -> NewObject:
    """Of files, if nothing else is said."""
    more = {key: spec.pop(key) for key in ("startDeadline", "timezone") if key in spec}
    return a_job(name, schedule={"trigger": trigger or FILES, **more}, **spec)


def comes(
    here: Installation, name: str, key: str, now: datetime = NOW, *, aftercare: Any = None, **data: Any
) -> Arrived:
    """Something arrives for the job's one trigger."""
    uid = here.uid(name)

    def work(tx: Any) -> Arrived:
        found = trigger_of(tx, uid, "default")
        assert isinstance(found, Triggered)
        inputs = data.pop("inputs", {})
        new = NewItem(
            job_uid=uid,
            schedule="default",
            kind="file",
            key=key,
            source=f"incoming:{key}",
            data=data,
            inputs=inputs,
            aftercare=aftercare or {},
        )
        return arrive(tx, new, found.trigger.flow, now)

    return here.store.transact(work)


def fed(here: Installation, name: str, now: datetime = NOW) -> Fed:
    uid = here.uid(name)
    return here.store.transact(lambda tx: feed(tx, uid, "default", now))


def items(here: Installation, name: str) -> list[Item]:
    """Oldest first."""
    with here.store.read() as reader:
        return reader.arrivals.of_job(here.uid(name), limit=None)[::-1]


def states(here: Installation, name: str) -> list[str]:
    return [item.state for item in items(here, name)]


def whole_run(
    here: Installation, id: int, outcome: str = "succeeded", now: datetime = NOW, **more: Any
) -> None:
    start(here, id, now)
    end(here, id, outcome, now, **more)
