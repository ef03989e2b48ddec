"""What changes who manages an object, without a plan? Each is an apply with a serial and a row of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.access.permission import Actor, may
from runner.reconcile.plan import digest_of
from runner.store.applies import ApplyRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import RunnerError
from runner.vocabulary.identity import Address


@dataclass(frozen=True, slots=True)
class Managed:
    """What became of one object: who manages it now, and whether anything changed."""

    address: Address
    changed: bool
    said: str
    serial: int


def address_in(text: str) -> Address:
    """`Job/nightly`, or a job's bare name; RunnerError for anything else."""
    kind, slash, name = text.partition("/")
    if not slash:
        return Address("Job", text)
    if not kind or not name:
        raise RunnerError(f"{text[:100]!r} is no address; write it like Job/nightly")
    return Address(kind, name)


def may_manage(actor: Actor, record: ObjectRecord, *, allow_protected: bool) -> None:
    """Nothing, or NotAllowed: as for a change by a plan."""
    may(
        actor,
        "update",
        what=record.name,
        protected=record.protected,
        allow_protected=allow_protected,
    )


def write_down(
    tx: Transaction,
    record: ObjectRecord,
    verb: str,
    source: str,
    reason: str,
    *,
    who: str,
    at: datetime,
    more: Mapping[str, Any] | None = None,
) -> int:
    """The new serial: plans that were made before are stale, and the next one looks at everything."""
    applied = tx.applied(source)
    serial = tx.set_serial(
        tx.serial(),
        source=source,
        tree_digest="",
        commit=applied.commit if applied else None,
        branch=applied.branch if applied else None,
        dirty=applied.dirty if applied else False,
        at=at,
        who=who,
    )
    change = {
        "action": verb,
        "address": str(record.address),
        "uid": record.uid,
        "before": record.digest,
        "after": record.digest,
        "digest": digest_of([verb, str(record.address), record.digest, reason]),
        "reason": reason,
        **(more or {}),
    }
    tx.applies.add(
        ApplyRecord(
            serial=serial,
            at=at,
            who=who,
            verb=verb,
            approval="asked for by name",
            source=source,
            commit=record.commit,
            branch=None,
            dirty=record.dirty,
            plan_digest=str(change["digest"]),
            changes=(change,),
        )
    )
    return serial
