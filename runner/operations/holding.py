"""Hold a job and release it: what every switch (a job's, a group's) does to one job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from runner.access.permission import Actor
from runner.dispatch.missed import outlasts_holds
from runner.lifecycle.holds import active, family, is_blocking
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.job import JOB, Status, job_status, why_it_waits
from runner.lifecycle.pausing import DISABLE, KEEPS_PAUSED, WINDOW, NotPausable
from runner.lifecycle.step import STEP
from runner.lifecycle.task import TASK
from runner.lifecycle.together import step_event, task_event
from runner.operations.asked_again import ask_again
from runner.operations.open_targets import count_targets
from runner.operations.pausing import (
    can_be_paused,
    how_to_pause,
    pause_instance,
    resume_what_the_job_kept,
)
from runner.store.port import Reader, Transaction
from runner.store.records import HoldRecord, InstanceRecord, ObjectRecord

RELEASES = ("release", "release_failed")
"""What happens to a job whose last blocking hold is cleared (J2, J14)."""

STOP_PATIENCE = timedelta(seconds=30)
"""From the request to stop until a process that is still there makes its instance UNKNOWN (I40): more than
TERM, its grace and KILL take."""


@dataclass(frozen=True, slots=True)
class Acted:
    """What a verb did to one job: whether anything changed, how the job stands now, and what else to know."""

    name: str
    changed: bool
    status: str
    detail: str
    notes: tuple[str, ...] = ()


def status_of(reader: Reader, uid: str, now: datetime) -> Status:
    """The status of one job now."""
    unfinished = reader.instances.unfinished_of(uid)
    waiting = [i for i in unfinished if i.state == "SCHEDULED"]
    return job_status(
        active(reader.holds.of(uid), now),
        sum(1 for i in unfinished if i.state not in ("SCHEDULED", "PAUSED")),
        paused=any(i.state == "PAUSED" and i.pauses != (WINDOW,) for i in unfinished),
        window_closed=any(i.state == "PAUSED" and i.pauses == (WINDOW,) for i in unfinished),
        **why_it_waits(waiting, now),
    )


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


def note_job_move(
    tx: Transaction,
    record: ObjectRecord,
    before: Status,
    events: Sequence[str],
    *,
    who: str,
    why: str,
    now: datetime,
) -> None:
    """Write the row of the job's table that leads from the status before to the one that it has now, if any.

    A job's status is derived, so nothing is moved here; moves that follow from an instance's are told there.
    """
    after = status_of(tx, record.uid, now).status
    for event in events:
        if not JOB.accepts(before.status, event):
            continue
        move = JOB.move(before.status, event)
        if move.after == after:
            tx.events.append(
                "Job",
                record.name,
                f"job.{event}",
                at=now,
                who=who,
                why=why,
                row=move.row,
                before=move.before,
                after=move.after,
            )


def note_start_past_holds(
    tx: Transaction, instance: InstanceRecord, forced: str, now: datetime
) -> Callable[[], None]:
    """What to call after the claim of a start by hand: it writes the job's row (J10, J12), if it has one."""
    by_hand = instance.epoch == 0 and instance.origin not in ("slot", "job")
    if not by_hand or not tx.holds.of(instance.job_uid):
        return lambda: None
    before = status_of(tx, instance.job_uid, now)
    record = tx.objects.by_uid(instance.job_uid)

    def note() -> None:
        if record is not None:
            why = f"forced past {forced}" if forced else "started by hand"
            note_job_move(tx, record, before, ("run",), who=instance.requested_by, why=why, now=now)

    return note


def what_holds(hold: HoldRecord) -> str:
    """Why a job still does not start, and who can change that."""
    because = f": {hold.reason}" if hold.reason else ""
    if hold.kind == "failure":
        return f"it has failed{because}; `runner jobs reset` clears that"
    word = "stays DISABLED by" if is_blocking(hold.kind) else "still has"
    return f"{word} hold {hold.kind} of {hold.owner}{because}"


def end_waiting(
    tx: Transaction,
    instance: InstanceRecord,
    event: str,
    reason: str,
    *,
    who: str,
    now: datetime,
    why: str = "",
    keep_state: bool = False,
    **changes: Any,
) -> None:
    """End an instance that has no process (skip I6, cancel I9 and I29), with its open tasks and steps.

    What one had saved that is cancelled while it is paused goes with it, unless `keep_state`.
    """
    for task in tx.tasks.of(instance.id):
        follows = task_event(event, task.state)
        if follows is not None:
            tx.tasks.move(
                instance.id,
                task.target,
                TASK.move(task.state, follows),
                epoch=instance.epoch,
                at=now,
                who=who,
                reason=reason,
            )
    if instance.targets:
        count_targets(tx, instance)
    for step in tx.steps.of(instance.id):
        follows = step_event(event, step.state)
        if follows is not None:
            move = STEP.move(step.state, follows)
            tx.steps.move(
                instance.id, step.target, step.name, move, epoch=instance.epoch, at=now, who=who, why=reason
            )
    _move(tx, instance, event, who=who, now=now, why=why or reason, reason=reason, **changes)
    if (event, instance.state) == ("cancel", "PAUSED") and not keep_state:
        tx.state.clear(instance.job_uid, instance_id=instance.id, at=now, who=who, why=why or reason)


def stop_running(
    tx: Transaction,
    instance: InstanceRecord,
    intent: str,
    *,
    who: str,
    why: str,
    now: datetime,
    keep_state: bool = False,
) -> None:
    """Ask for the end of an instance that has a process (I19, I26); the daemon carries it out.

    With one that was pausing goes what it has saved, unless `keep_state`: the pauses that it keeps say so.
    """
    until = now + STOP_PATIENCE
    forgotten: dict[str, Any] = {"pauses": ()} if keep_state else {}
    _move(
        tx, instance, "stop", who=who, now=now, why=why or intent, reason=intent, forced_at=until, **forgotten
    )


def redirect_stop(
    tx: Transaction,
    instance: InstanceRecord,
    intent: str,
    *,
    who: str,
    why: str,
    now: datetime,
    keep_state: bool = False,
) -> None:
    """Let the stop that is under way mean something else: no move, so it is an event without a row."""
    subject, said = str(instance.id), f"{instance.reason} becomes {intent}"
    tx.events.append("instance", subject, f"stop.{intent}", at=now, who=who, why=why or said)
    changes: dict[str, Any] = {"pauses": ()} if keep_state else {}
    tx.instances.update(
        instance.id, epoch=instance.epoch, reason=intent, forced_at=now + STOP_PATIENCE, **changes
    )


def owner_of(actor: Actor) -> str:
    """Whose hold it is: the name given with `--as`, else the login."""
    return actor.as_name or actor.login


def _move(
    tx: Transaction,
    instance: InstanceRecord,
    event: str,
    *,
    who: str,
    now: datetime,
    why: str,
    **changes: Any,
) -> None:
    move = INSTANCE.move(instance.state, event)
    tx.instances.move(instance.id, move, epoch=instance.epoch, at=now, who=who, why=why, **changes)
