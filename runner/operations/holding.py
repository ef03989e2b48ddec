"""Hold a job and release it: what every switch (a job's, a group's) does to one job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor
from runner.dispatch.missed import outlasts_holds
from runner.lifecycle.holds import active, family, is_blocking
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.pausing import DISABLE, KEEPS_PAUSED, NotPausable
from runner.operations.asked_again import ask_again
from runner.operations.end_runs import end_waiting, stop_running
from runner.operations.job_moves import RELEASES, note_job_move, status_of
from runner.operations.pausing import (
    can_be_paused,
    how_to_pause,
    pause_instance,
    resume_what_the_job_kept,
)
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction


@dataclass(frozen=True, slots=True)
class Acted:
    """What a verb did to one job: whether anything changed, how the job stands now, and what else to know."""

    name: str
    changed: bool
    status: str
    detail: str
    notes: tuple[str, ...] = ()


def acted(
    reader: Reader, record: ObjectRecord, now: datetime, *, changed: bool, notes: Iterable[str] = ()
) -> Acted:
    """The result for one job, with the status it has now."""
    status = status_of(reader, record.uid, now)
    return Acted(record.name, changed, status.status, status.detail, tuple(notes))


def hold_job(
    tx: Transaction,
    record: ObjectRecord,
    kind: str,
    *,
    owner: str,
    who: str,
    reason: str,
    now: datetime,
    until: datetime | None = None,
) -> Acted:
    """Add a hold, drop the starts that wait, and do with what has begun as `onDisable` says (J7, J11, J15).

    A removed job is never paused: nothing would let it go on, so it finishes.
    """
    asked = ask_again(tx, HoldRecord(record.uid, kind, owner, reason, now, until), now)
    if asked.changed:
        before = status_of(tx, record.uid, now)
        tx.holds.add(record.uid, asked.hold, who=who, why=reason)
        note_job_move(tx, record, before, ("hold",) if asked.is_new else (), who=who, why=reason, now=now)
    stop = record.resolved["onDisable"] == "stop"
    pause = record.resolved["onDisable"] == "pause" and family(kind) in KEEPS_PAUSED
    stays_paused = family(kind) in KEEPS_PAUSED
    dropped, stopped, paused, kept, running, waiting = 0, 0, 0, 0, 0, 0
    for instance in tx.instances.unfinished_of(record.uid):
        if instance.state == "SCHEDULED" and instance.epoch == 0:
            if outlasts_holds(instance.trigger, kind):
                waiting += 1
                continue
            end_waiting(tx, instance, "skip", f"hold {kind}", who=who, now=now)
            dropped += 1
        elif stop and INSTANCE.accepts(instance.state, "cancel"):
            end_waiting(tx, instance, "cancel", "disable", who=who, now=now)
            stopped += 1
        elif stop and INSTANCE.accepts(instance.state, "stop"):
            stop_running(tx, instance, "disable", who=who, why=reason, now=now)
            stopped += 1
        elif pause and _pause(tx, instance, who, reason, now):
            paused += 1
        elif stays_paused and instance.state == "PAUSED":
            kept += 1
        else:
            running += 1
    notes = counted(
        (dropped, "waiting start dropped", "waiting starts dropped"),
        (waiting, "start waits for the end of the hold", "starts wait for the end of the hold"),
        (stopped, "run is being stopped", "runs are being stopped"),
        (paused, "run is being paused", "runs are being paused"),
        (kept, "paused run goes on only when the hold ends", "paused runs go on only when the hold ends"),
        (running, "run finishes first", "runs finish first"),
    )
    changed = asked.changed or bool(dropped or stopped)
    return acted(tx, record, now, changed=changed, notes=[*asked.notes, *notes])


def _pause(tx: Transaction, instance: InstanceRecord, who: str, reason: str, now: datetime) -> bool:
    """Whether it is paused or on its way there; what cannot be paused finishes."""
    if not can_be_paused(instance):
        return False
    if instance.state == "RUNNING" and isinstance(how_to_pause(tx, instance), NotPausable):
        return False
    pause_instance(tx, instance, DISABLE, who=who, why=reason or DISABLE, now=now)
    return True


def counted(*parts: tuple[int, str, str]) -> list[str]:
    """`2 runs finish first`: a phrase for each number above zero, for one and for several."""
    return [f"{count} {one if count == 1 else many}" for count, one, many in parts if count]


def release_job(
    tx: Transaction,
    record: ObjectRecord,
    holds: Sequence[HoldRecord],
    *,
    who: str,
    reason: str,
    now: datetime,
) -> Acted:
    """Clear these holds. When nothing blocks the job any more, its schedules go on from now (J2)."""
    before = status_of(tx, record.uid, now)
    for hold in holds:
        tx.holds.clear(record.uid, hold.kind, hold.owner, at=now, who=who, why=reason)
    note_job_move(tx, record, before, RELEASES, who=who, why=reason, now=now)
    left = active(tx.holds.of(record.uid), now)
    if holds and not [hold for hold in left if hold.kind != "paused"]:
        for schedule in record.resolved["schedules"]:
            tx.slots.set_watermark(record.uid, schedule, now)
    gone_on: tuple[int, ...] = ()
    if holds:
        gone_on = resume_what_the_job_kept(tx, record.uid, who=who, why=reason or "released", now=now)
    notes = [*counted((len(gone_on), "run goes on", "runs go on")), *(what_holds(hold) for hold in left)]
    return acted(tx, record, now, changed=bool(holds), notes=notes)


def what_holds(hold: HoldRecord) -> str:
    """Why a job still does not start, and who can change that."""
    because = f": {hold.reason}" if hold.reason else ""
    if hold.kind == "failure":
        return f"it has failed{because}; `runner jobs reset` clears that"
    word = "stays DISABLED by" if is_blocking(hold.kind) else "still has"
    return f"{word} hold {hold.kind} of {hold.owner}{because}"


def owner_of(actor: Actor) -> str:
    """Whose hold it is: the name given with `--as`, else the login."""
    return actor.as_name or actor.login
