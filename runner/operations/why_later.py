"""What will become of a slot that is still to come?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.lifecycle.holds import active
from runner.operations.schedulable import schedulable
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.operations.what_became import Said, moment_text
from runner.schedules.slot import Slot
from runner.store.objects import ObjectRecord
from runner.store.port import Reader
from runner.vocabulary.duration import format_duration


def will_be(
    reader: Reader,
    record: ObjectRecord,
    slot: Slot,
    schedules: Sequence[str],
    now: datetime,
    installation_id: str,
) -> Said:
    """As things stand now: it runs, with the zone's offset and its jitter, or something is in its way."""
    job = schedulable(record, installation_id, zone_of_jobs_without_a_schedule(reader))
    named = next((each for each in job.schedules if each.name in schedules), None)
    if named is None:
        return Said("not-a-slot", ("the job starts by hand only",))
    if job.ends_at is not None and job.ends_at <= slot.at:
        return Said(
            "will-not-run", (f"the job ends at {moment_text(job.ends_at)} (validUntil)",), rule="expired"
        )
    holds = [
        hold for hold in active(reader.holds.of(record.uid), now) if not hold.until or hold.until > slot.at
    ]
    if holds:
        first = holds[0]
        until = f" until {moment_text(first.until)}" if first.until else ""
        because = f" ({first.reason})" if first.reason else ""
        text = f"it will not run as things stand: held by hold {first.kind} of {first.owner} since "
        text += f"{moment_text(first.since)}{until}{because}"
        return Said("held", (text,), rule="hold", blocker=f"hold {first.kind} of {first.owner}")
    sentences = [f"it will run at {slot.local}"]
    if named.jitter:
        due = moment_text(slot.at + named.jitter)
        sentences.append(f"R12: its jitter is {format_duration(named.jitter)}, so it is due at {due}")
    if "gap" in slot.marks:
        sentences.append("R3: its time is left out that day: it starts at the first instant after the gap")
    if "merged" in slot.marks:
        sentences.append(f"one run stands for {', '.join(slot.keys)}")
    if "fold" in slot.marks:
        sentences.append("R4: this time comes twice that day, and it starts at the first" if "[" in slot.key
                         else "R5: this time comes twice that day, and it starts both times")  # fmt: skip
    if named.start_deadline is not None:
        last = moment_text(slot.at + named.jitter + named.start_deadline)
        sentences.append(f"it starts by {last}, or is skipped (startDeadline)")
    opening_at = getattr(named.schedule, "opening_at", None)
    opening = opening_at(slot.at) if opening_at is not None else None
    if opening is not None:
        sentences.append(
            f"its window is open from {moment_text(opening.opens_at)} to {moment_text(opening.closes_at)}"
        )
    return Said("will-run", tuple(sentences))
