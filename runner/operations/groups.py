"""Switch a group: every job in it is held while the group is disabled, even one that is enabled itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor, may
from runner.operations.asked_again import ask_again
from runner.operations.holding import Acted, acted, hold_job, owner_of, release_job
from runner.operations.installed_jobs import readable_jobs
from runner.operations.selection import installed
from runner.store.holds import HoldRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.vocabulary.errors import IllegalTransition

GIT = "git"


@dataclass(frozen=True, slots=True)
class Switched:
    """What a verb did to a group and to each of its jobs."""

    group: str
    changed: bool
    jobs: tuple[Acted, ...]
    notes: tuple[str, ...] = ()


def members(reader: Reader, group: str) -> tuple[ObjectRecord, ...]:
    """The installed jobs of a group, by name; not those that cannot be read, which start nothing anyhow."""
    return tuple(job for job in _jobs(reader)[0] if group in job.resolved["groups"])


def _jobs(reader: Reader) -> tuple[list[ObjectRecord], tuple[str, ...]]:
    """The installed jobs, and what is to be said of those whose row is damaged: no other is to be kept from
    being switched by it.
    """
    jobs, damaged = readable_jobs(reader)
    unknown = "whether it belongs to the group is not known, and it is left as it is"
    return jobs, tuple(f"{problem}; {unknown}" for problem in damaged.values())


def disable_groups(
    tx: Transaction,
    names: Sequence[str],
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    until: datetime | None = None,
    allow_protected: bool = False,
) -> tuple[Switched, ...]:
    """Hold every job of these groups. Protected jobs are left alone unless that is allowed.

    The group itself keeps the hold too, so that a job which joins later is held as well.
    """
    groups = [installed(tx, "Group", name) for name in dict.fromkeys(names)]
    may(actor, "group", protected=allow_protected, allow_protected=allow_protected)
    installed_jobs, notes = _jobs(tx)
    switched = []
    for group in groups:
        hold = HoldRecord(group.uid, "operator", owner_of(actor), reason, now, until)
        asked = ask_again(tx, hold, now)
        changed = asked.changed and tx.holds.add(group.uid, asked.hold, who=str(actor), why=reason)
        jobs = tuple(
            acted(tx, job, now, changed=False, notes=["protected: left alone without --allow-protected"])
            if job.protected and not allow_protected
            else hold_job(
                tx,
                job,
                f"group:{group.name}",
                owner=hold.owner,
                who=str(actor),
                reason=reason,
                now=now,
                until=until,
            )
            for job in installed_jobs
            if group.name in job.resolved["groups"]
        )
        switched.append(Switched(group.name, changed or any(job.changed for job in jobs), jobs, notes))
    return tuple(switched)


def enable_groups(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime
) -> tuple[Switched, ...]:
    """End what operators put on these groups and their jobs; refused while git declares a group disabled."""
    groups = [installed(tx, "Group", name) for name in dict.fromkeys(names)]
    may(actor, "group")
    by_git = [group for group in groups if group.enabled is False]
    if by_git:
        places = ", ".join(f"Group/{group.name} ({group.file}:{group.line})" for group in by_git)
        raise IllegalTransition(
            f"disabled by git: {places}; enable is accepted when only an operator disabled the group, "
            "so change spec.enabled there and apply"
        )
    installed_jobs, notes = _jobs(tx)
    switched = []
    for group in groups:
        changed = False
        for hold in tx.holds.of(group.uid):
            if hold.kind == "operator":
                tx.holds.clear(group.uid, hold.kind, hold.owner, at=now, who=str(actor), why=reason)
                changed = True
        jobs = tuple(
            release_job(
                tx,
                job,
                [h for h in tx.holds.of(job.uid) if h.kind == f"group:{group.name}" and h.owner != GIT],
                who=str(actor),
                reason=reason,
                now=now,
            )
            for job in installed_jobs
            if group.name in job.resolved["groups"]
        )
        switched.append(Switched(group.name, changed or any(job.changed for job in jobs), jobs, notes))
    return tuple(switched)
