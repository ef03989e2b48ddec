"""Count the ends of runs that other jobs wait for: each once, and from when the waiting job was there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from runner.dispatch.after import decide_chain
from runner.lifecycle.holds import active
from runner.operations.arrive import arrive, drop_new, switched_off
from runner.operations.trigger_of import Triggered, trigger_of
from runner.schedules.trigger import AfterSource
from runner.store.arrivals import NewItem
from runner.store.feeds import UpstreamEnd
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.identity import Address

Key = tuple[str, str]
"""A job's uid and the name of one of its triggers."""

PORTION = 50_000
"""Events that are gone through in one transaction."""

LARGEST_OUTPUTS = 64 << 10
"""Bytes of JSON of outputs that a later run is told; more are left out, and that is said."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Which triggers have new items, and whether there are more events to go through."""

    fed: tuple[Key, ...] = ()
    more: bool = False


def watch_feeds(tx: Transaction, after: Sequence[Key], others: Sequence[Key] = ()) -> None:
    """From now on ends count for triggers that are new; what is noted of those that are gone goes."""
    known = tx.feeds.all()
    last = tx.events.last_id()
    for key in after:
        if key not in known:
            tx.feeds.set(*key, last)
    for key in known.keys() - {*after, *others}:
        tx.feeds.drop(*key)


def has_ends(reader: Reader, upstream: Sequence[str], seen: int) -> tuple[bool, int]:
    """Whether a run of these jobs (uids) has ended after the event `seen`, and the last event there is."""
    last = reader.events.last_id()
    if last <= seen or not upstream:
        return False, last
    return bool(reader.feeds.ends_after(seen, last, upstream)), last


def count_ends(tx: Transaction, feeds: Sequence[Key], now: datetime) -> Counted:
    """Make an item of each end that counts; the place up to which they are counted moves with it."""
    found = [each for key in feeds if isinstance(each := trigger_of(tx, *key), Triggered)]
    cursor, last = tx.feeds.cursor(), tx.events.last_id()
    since = tx.feeds.all()
    begin = max(cursor, min((since.get((f.record.uid, f.name), last) for f in found), default=last))
    until = min(last, begin + PORTION)
    upstream = _uids(tx, found)
    fed: list[Key] = []
    for end in tx.feeds.ends_after(begin, until, [*upstream]) if upstream else ():
        run = tx.instances.get(end.instance_id)
        if run is None:
            continue
        for each in found:
            source = each.trigger.source
            key = each.record.uid, each.name
            if (
                isinstance(source, AfterSource)
                and end.state in source.jobs.get(upstream[end.job_uid], ())
                and end.event_id > since.get(key, last)
            ):
                _count(tx, each, upstream[end.job_uid], run, end, now)
                fed.append(key)
    if until > cursor:
        tx.feeds.set_cursor(until)
    return Counted(tuple(dict.fromkeys(fed)), more=until < last)


def _uids(tx: Transaction, found: Sequence[Triggered]) -> dict[str, str]:
    names = {
        name
        for each in found
        if isinstance(each.trigger.source, AfterSource)
        for name in each.trigger.source.jobs
    }
    records = {name: tx.objects.get(Address("Job", name)) for name in sorted(names)}
    return {record.uid: name for name, record in records.items() if record is not None}


def _count(
    tx: Transaction, found: Triggered, job: str, run: InstanceRecord, end: UpstreamEnd, now: datetime
) -> None:
    record = found.record
    chain = [str(name) for name in run.trigger.get("chain") or []]
    outputs = _outputs(run)
    new = NewItem(
        job_uid=record.uid,
        schedule=found.name,
        kind="after",
        key=f"after:{job}:{run.id}",
        source=f"{job} {run.id} {end.state}",
        data={
            "job": {
                "name": job,
                "id": run.id,
                "state": end.state.lower().replace("_", "-"),
                "slot": run.slot_local,
                "date": _date(run, found.trigger.zone),
                "outputs": outputs,
            },
            "chain": [*chain, job],
        },
        inputs={name: value for name, value in outputs.items() if name in record.resolved["inputs"]},
        slot_at=run.slot_at or end.at,
    )
    stopped = decide_chain(record.name, job, chain)
    if stopped is not None:
        drop_new(tx, new, stopped, stopped.partition(":")[0], now)
        tx.events.append("Job", record.name, "job.chain_stopped", at=now, who="system:trigger", why=stopped)
        return
    off = switched_off(active(tx.holds.of(record.uid), now))
    if off is not None:
        drop_new(tx, new, f"hold {off.kind} of {off.owner}", "hold", now, f"hold {off.kind}")
        return
    arrive(tx, new, _dropping(found), now)


def _dropping(found: Triggered) -> Any:
    """Nobody waits for an answer here, so what is beyond the queue's limit is dropped, and recorded."""
    from dataclasses import replace

    flow = found.trigger.flow
    return flow if flow.overflow != "refuse" else replace(flow, overflow="drop-newest")


def _outputs(run: InstanceRecord) -> Mapping[str, Any]:
    import json

    size = len(json.dumps(run.outputs, ensure_ascii=False))
    return run.outputs if size <= LARGEST_OUTPUTS else {}


def _date(run: InstanceRecord, zone: ZoneInfo) -> str:
    """The local date of its slot; of a run without one, that of its creation here."""
    if run.slot_local:
        return run.slot_local[:10]
    return (run.slot_at or run.created_at).astimezone(zone).date().isoformat()
