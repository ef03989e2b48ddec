"""Was the database restored from a copy? Then nothing is started again that may have run since (R9).

Two things tell: a copy that was made for keeping says so itself, and the daemon notes beside the database how
far that was. A folder or a machine that is restored as a whole looks as if nothing had run meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runner.dispatch.missed import drop_all
from runner.lifecycle.holds import active
from runner.operations.decide_once import due_after, has_one_slot
from runner.operations.end_runs import end_waiting
from runner.operations.installed_jobs import installed_jobs
from runner.operations.schedulable import NamedSchedule, SchedulableJob, schedulable
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.schedules.window import Window
from runner.store.port import Reader, Store, Transaction
from runner.store.slots import SlotRecord
from runner.vocabulary.errors import DamagedRow
from runner.vocabulary.instants import to_text, to_the_second

FILE = "last-seen.json"
SUBJECT = "daemon"
WHO = "system:clock"
RULE = "restored"
REASON = "missed: the database was restored, and whether it ran is not known"
AT_A_TIME = 200
"""Jobs in one transaction."""

NAMED = 100
"""Jobs in the event."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`known` is the last moment that the database knows of; `left_out` counts slots and waiting starts."""

    known: datetime | None
    jobs: tuple[str, ...]
    left_out: int

    @property
    def text(self) -> str:
        """A sentence about it, and what became of the starts."""
        since = f" from a copy of {to_the_second(self.known)}" if self.known else ""
        starts = f"{self.left_out} start{'' if self.left_out == 1 else 's'}"
        jobs = f"{len(self.jobs)} job{'' if len(self.jobs) == 1 else 's'}"
        told = f"the database was restored{since}: what fell due since may have run, and is not started again"
        return f"{told} ({starts} of {jobs})" if self.left_out else told


def note_seen(state: Path, lineage: str, stretch: int, at: datetime) -> None:
    """Note beside the database how far it is; a disk that does not take it only makes a restore unseen."""
    content = {"lineage": lineage, "stretch": stretch, "at": to_text(at)}
    path = state / FILE
    temporary = path.with_suffix(".tmp")
    with contextlib.suppress(OSError):
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file)
        temporary.replace(path)


def is_restored(reader: Reader, state: Path, lineage: str) -> bool:
    """Whether the database is a copy that nobody has run on yet, or older than what was noted beside it."""
    if reader.presence.is_copy():
        return True
    try:
        noted = json.loads((state / FILE).read_text())
        if noted["lineage"] != lineage:
            return False  # another database, which knows nothing of this one
        seen = (int(noted["stretch"]), str(noted["at"]))
    except (OSError, ValueError, TypeError, LookupError):
        return False
    last = reader.presence.last()
    return last is None or (last.id, to_text(last.last_at)) < seen


def take_in_restored(store: Store, state: Path, session: int, now: datetime) -> Restored | None:
    """Leave out every start until now, before a daemon decides any; None when none was restored.

    Some jobs at a time, and the mark goes last: who is killed meanwhile does the rest the next time.
    What had begun is found by the recovery of crashed runs, and follows `onCrash`.
    """
    with store.read() as reader:
        if not is_restored(reader, state, store.installation_id):
            return None
        last = reader.presence.last()
        zone = zone_of_jobs_without_a_schedule(reader)
        jobs = tuple(_schedulable(reader, store.installation_id, zone))
    counts: dict[str, int] = {}
    for begin in range(0, len(jobs), AT_A_TIME):
        some = jobs[begin : begin + AT_A_TIME]
        counts |= store.transact(lambda tx, some=some: {job.name: _leave_out(tx, job, now) for job in some})  # type: ignore[misc]
    names = tuple(sorted(name for name, count in counts.items() if count))
    found = Restored(last.last_at if last else None, names, sum(counts.values()))

    def end(tx: Transaction) -> None:
        details = {"severity": "warning", "left_out": found.left_out, "jobs": list(names[:NAMED])}
        tx.events.append(SUBJECT, str(session), "database.restored", at=now, who=WHO, why=found.text,
                         details=details)  # fmt: skip
        tx.presence.is_copy_no_more()

    store.transact(end)
    return found


def _schedulable(reader: Reader, installation_id: str, zone: str) -> Sequence[SchedulableJob]:
    found = []
    for record in installed_jobs(reader):
        with contextlib.suppress(DamagedRow):  # it starts no more by itself anyway
            found.append(schedulable(record, installation_id, zone))
    return found


def _leave_out(tx: Transaction, job: SchedulableJob, now: datetime) -> int:
    """How many starts of the job were left out."""
    count = 0
    for run in tx.instances.unfinished_of(job.uid):
        if run.state == "SCHEDULED" and run.epoch == 0 and run.due_at <= now:
            end_waiting(tx, run, "skip", RULE, who=WHO, now=now, why=REASON)
            count += 1
    kinds = {hold.kind for hold in active(tx.holds.of(job.uid), now)}
    for named in job.schedules:
        if has_one_slot(named.schedule):
            count += _leave_out_range(tx, job, named, now)
        else:
            # What falls into the time of a hold is dropped without a row; a pause lets it wait (principle 1).
            count += _leave_out_slots(tx, job, named, now, is_told=kinds <= {"paused"})
    return count


def _leave_out_slots(
    tx: Transaction, job: SchedulableJob, named: NamedSchedule, now: datetime, *, is_told: bool
) -> int:
    watermark = tx.slots.watermark(job.uid, named.name)
    if watermark is None or watermark.at >= now:
        return 0
    slots = named.schedule.between(watermark.at, now) if is_told else ()
    decisions = drop_all(slots, REASON, RULE)
    for each in decisions:
        row = _row(job, named, each.slot.key, each.slot.at, now)
        if each.first is not None:
            tx.slots.decide(replace(row, count=each.count, first_at=each.first.at))
        else:
            for key in each.slot.keys:
                tx.slots.decide(replace(row, slot_key=key))
    tx.slots.set_watermark(job.uid, named.name, now)
    return sum(each.count for each in decisions)


def _leave_out_range(tx: Transaction, job: SchedulableJob, named: NamedSchedule, now: datetime) -> int:
    """The one run of a range that has begun, or of fire-and-forget: it may be over for long."""
    watermark = tx.slots.watermark(job.uid, named.name)
    if watermark is None or due_after(named.schedule, watermark, now) != now:
        return 0
    if isinstance(named.schedule, Window):
        key, at = named.schedule.range_key, max(named.schedule.range_start, watermark.at)
    else:
        key, at = job.execution_digest, watermark.at
    is_new = tx.slots.decide(_row(job, named, key, at, now))
    tx.slots.set_watermark(job.uid, named.name, now, key)
    return int(is_new)


def _row(job: SchedulableJob, named: NamedSchedule, key: str, at: datetime, now: datetime) -> SlotRecord:
    return SlotRecord(job.uid, named.name, key, at, "skipped", REASON, None, now, rule=RULE)
