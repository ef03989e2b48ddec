"""Stop managing an object without removing it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from runner.access.permission import Actor
from runner.operations.beside_plans import Managed, may_manage, write_down
from runner.operations.selection import unknown
from runner.reconcile.sides import RELEASED
from runner.store.port import Transaction
from runner.vocabulary.identity import Address


def release(
    tx: Transaction, address: Address, actor: Actor, now: datetime, *, allow_protected: bool = False
) -> Managed:
    """No source manages the object from now on: no plan changes or removes it, and it goes on as it is.

    UnknownName when it is not installed. Once more changes nothing.
    """
    record = tx.objects.get(address)
    if record is None:
        raise unknown(address.kind, address.name, (each.name for each in tx.objects.summaries(address.kind)))
    if record.source == RELEASED:
        return Managed(address, False, f"{address} was released already", tx.serial())
    may_manage(actor, record, allow_protected=allow_protected)
    reason = f"released by {record.source}"
    new = replace(record, source=RELEASED)
    tx.objects.update(record.uid, new, expected_digest=record.digest, at=now, who=str(actor), why=reason)
    serial = write_down(tx, record, "release", record.source, reason, who=str(actor), at=now)
    said = (
        f"{address} is managed by no source any more ({record.source} did, at {record.place}); no plan "
        f"changes or removes it. Take its declaration away; `runner adopt {address}` takes it over again"
    )
    return Managed(address, True, said, serial)
