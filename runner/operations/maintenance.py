"""Maintenance: hold every job for a while, and let them all go on afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.holding import Acted, acted, hold_job, owner_of, release_job
from runner.operations.installed_jobs import installed_jobs
from runner.store.port import Reader, Transaction
from runner.store.records import HoldRecord

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
    return tuple(
        acted(tx, job, now, changed=False, notes=[LEFT_ALONE])
        if job.protected and not allow_protected
        else hold_job(
            tx,
            job,
            MAINTENANCE,
            owner=owner_of(actor),
            who=str(actor),
            reason=reason,
            now=now,
            until=until,
        )
        for job in tuple(installed_jobs(tx))
    )


def maintenance_off(
    tx: Transaction, _objects: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Acted, ...]:
    """End it, whoever began it; nothing from that time is caught up (J2)."""
    may(actor, "maintenance")
    return tuple(
        release_job(
            tx,
            job,
            [hold for hold in tx.holds.of(job.uid) if hold.kind == MAINTENANCE],
            who=str(actor),
            reason=reason,
            now=now,
        )
        for job in tuple(installed_jobs(tx))
    )


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
