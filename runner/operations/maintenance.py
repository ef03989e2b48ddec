"""Maintenance: hold every job for a while, and let them all go on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.asked_again import ask_again
from runner.operations.holding import Acted, acted, hold_job, owner_of, release_job
from runner.operations.installed_jobs import whole
from runner.operations.job_moves import status_of
from runner.store.holds import HoldRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import DamagedRow

MAINTENANCE = "maintenance"
LEFT_ALONE = "protected: left alone without --allow-protected"


def maintenance_on(
    tx: Transaction,
    _objects: Sequence[str],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    allow_protected: bool = False,
) -> tuple[Acted, ...]:
    """Hold `maintenance` on every installed job, which no --force passes; what runs follows `onDisable`.

    Protected jobs are left alone unless that is allowed. A job that is installed meanwhile is held too.
    """
    may(actor, "maintenance", protected=allow_protected, allow_protected=allow_protected)
    who, owner = str(actor), owner_of(actor)

    def hold(job: ObjectRecord) -> Acted:
        if job.protected and not allow_protected:
            return acted(tx, job, now, changed=False, notes=[LEFT_ALONE])
        return hold_job(tx, job, MAINTENANCE, owner=owner, who=who, reason=reason, now=now, until=until)

    def hold_damaged(uid: str) -> bool:
        asked = ask_again(tx, HoldRecord(uid, MAINTENANCE, owner, reason, now, until), now)
        return asked.changed and tx.holds.add(uid, asked.hold, who=who, why=reason)

    return tuple(_each(tx, now, hold, hold_damaged))


def maintenance_off(
    tx: Transaction, _objects: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """End it, whoever began it; nothing from that time is caught up (J2)."""
    may(actor, "maintenance")
    who = str(actor)

    def release(job: ObjectRecord) -> Acted:
        holds = [hold for hold in tx.holds.of(job.uid) if hold.kind == MAINTENANCE]
        return release_job(tx, job, holds, who=who, reason=reason, now=now)

    def release_damaged(uid: str) -> bool:
        return tx.holds.clear(uid, MAINTENANCE, at=now, who=who, why=reason)

    return tuple(_each(tx, now, release, release_damaged))


def _each(
    tx: Transaction,
    now: datetime,
    act: Callable[[ObjectRecord], Acted],
    act_on_damaged: Callable[[str], bool],
) -> Iterator[Acted]:
    """Every installed job. One whose row is damaged is held and released like any other: a maintenance that
    leaves one out is none. What runs of it is left as it is.
    """
    for summary in tx.objects.summaries("Job"):
        try:
            job = tx.objects.by_uid(summary.uid)
            result = act(whole(job)) if job is not None else None
        except DamagedRow as problem:
            changed = act_on_damaged(summary.uid)
            status = status_of(tx, summary.uid, now)
            yield Acted(summary.name, changed, status.status, status.detail, (str(problem),))
        else:
            if result is not None:
                yield result


def jobs_under_maintenance(reader: Reader) -> list[str]:
    """The names of the jobs that one holds."""
    held = {uid for uid, holds in reader.holds.all().items() if any(h.kind == MAINTENANCE for h in holds)}
    return [summary.name for summary in reader.objects.summaries("Job") if summary.uid in held]


def maintenance_under_way(reader: Reader, now: datetime) -> HoldRecord | None:
    """The hold of a maintenance that is on, with the latest end; None when there is none."""
    holds = [
        hold
        for held in reader.holds.all().values()
        for hold in held
        if hold.kind == MAINTENANCE and (hold.until is None or hold.until > now)
    ]
    open_ended = next((hold for hold in holds if hold.until is None), None)
    return open_ended or max(holds, key=lambda hold: hold.until or now, default=None)
