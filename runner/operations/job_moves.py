"""Which row of the job's table has just been taken? A job's status is derived, and nobody stores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from runner.lifecycle.holds import active
from runner.lifecycle.job import FAILED, JOB, Status, job_status, why_it_waits
from runner.lifecycle.pausing import WINDOW
from runner.store.holds import HoldRecord
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction

RELEASES = ("release", "release_failed")
"""What happens to a job whose last blocking hold is cleared (J2, J14)."""


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


def has_failed(reader: Reader, uid: str, now: datetime) -> bool:
    """Whether it is FAILED, or was before it held `finished`: it can be bounced and reset all the same."""
    if status_of(reader, uid, now).status == FAILED:
        return True
    holds = {hold.kind for hold in active(reader.holds.of(uid), now)}
    return holds == {"failure", "finished"}


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
    tx: Transaction, instance: InstanceRecord, holds: Sequence[HoldRecord], forced: str, now: datetime
) -> Callable[[], None]:
    """What to call after the claim of a start by hand: it writes the job's row (J10, J12), if it has one.

    `holds` are those of the job, as the claim found them.
    """
    by_hand = instance.epoch == 0 and instance.origin not in ("slot", "job")
    if not by_hand or not holds:
        return lambda: None
    before = status_of(tx, instance.job_uid, now)
    record = tx.objects.by_uid(instance.job_uid)

    def note() -> None:
        if record is not None:
            why = f"forced past {forced}" if forced else "started by hand"
            note_job_move(tx, record, before, ("run",), who=instance.requested_by, why=why, now=now)

    return note
