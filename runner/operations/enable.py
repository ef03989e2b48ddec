"""Enable jobs: end the operator's hold and hold `new`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.holding import Acted, release_job
from runner.operations.selection import installed
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition

_OURS = frozenset({"operator", "new"})


def enable_jobs(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """All of them, or none: refused while git declares one of them disabled, for that is git's to change."""
    records = [installed(tx, "Job", name) for name in names]
    may(actor, "enable")
    refusals = [refusal for record in records if (refusal := _refusal(tx, record, now))]
    if refusals:
        raise IllegalTransition("; ".join(refusals))
    return tuple(_enable(tx, record, str(actor), reason, now) for record in records)


def _enable(tx: Transaction, record: ObjectRecord, who: str, reason: str, now: datetime) -> Acted:
    holds = [hold for hold in tx.holds.of(record.uid) if hold.kind in _OURS]
    return release_job(tx, record, holds, who=who, reason=reason, now=now)


def _refusal(tx: Transaction, record: ObjectRecord, now: datetime) -> str | None:
    kinds = {hold.kind for hold in tx.holds.of(record.uid) if hold.until is None or hold.until > now}
    if "git" in kinds:
        return (
            f"Job/{record.name} is DISABLED by git (spec.enabled: false, {record.file}:{record.line}); "
            "enable is accepted when only an operator disabled it, so change it there and apply"
        )
    if "removed" in kinds:
        return (
            f"Job/{record.name} is DISABLED because its declaration was removed; "
            "declare it again and apply, then enable is accepted"
        )
    return None
