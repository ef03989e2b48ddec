"""What became of a slot that was decided? Told by its row in the ledger and the run that it names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from runner.lifecycle.instance import TRIGGERED
from runner.operations.daemon_then import absent_until
from runner.operations.held_then import held_then
from runner.operations.waiting import waits_for
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.store.slots import SlotRecord
from runner.vocabulary.duration import format_duration
from runner.vocabulary.instants import to_the_second
from runner.vocabulary.slot_rules import RULES, sentence_of

_ENDS = ("SUCCEEDED", "PARTIALLY_SUCCEEDED", "FAILED")
_UNDER_WAY = ("RUNNING", "PAUSING", "STOPPING", "UNKNOWN")
_JITTER_AT_LEAST = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Said:
    """The word of an answer, its sentences, and what they name."""

    answer: str
    text: tuple[str, ...]
    instance_id: int | None = None
    rule: str = ""
    blocker: str = ""


def moment_text(moment: datetime | None) -> str:
    """`2026-10-25 01:30:00Z`"""
    return "-" if moment is None else to_the_second(moment)


def became(reader: Reader, row: SlotRecord, now: datetime) -> Said:
    """The answer that a row of the ledger gives."""
    if row.decision == "instance" or (row.decision == "merged" and row.instance_id is not None):
        run = reader.instances.get(row.instance_id) if row.instance_id is not None else None
        if row.decision == "merged":
            return _merged(row, run)
        return _run(reader, row, run, now)
    if row.decision == "merged":
        return Said("merged", (row.reason,), rule=row.rule)
    return _skipped(reader, row)


def _merged(row: SlotRecord, run: InstanceRecord | None) -> Said:
    state = f": {run.state}" if run is not None else ""
    text = (f"{row.reason}, which became instance {row.instance_id}{state}",)
    return Said("merged", (*text, *_rule(row.rule)), row.instance_id, row.rule)


def _skipped(reader: Reader, row: SlotRecord) -> Said:
    told = f"it was skipped at {moment_text(row.decided_at)}: {row.reason}"
    if row.count > 1:
        told += f" ({row.count} slots from {moment_text(row.first_at)} to {moment_text(row.slot_at)})"
    sentences = [told, *_rule(row.rule)]
    blocker = row.blocker
    if row.reason.startswith("missed"):
        because = _missed_because(reader, row)
        if because:
            sentences.append(because)
            blocker = blocker or because
    return Said("skipped", tuple(sentences), rule=row.rule, blocker=blocker)


def _missed_because(reader: Reader, row: SlotRecord) -> str:
    """Nobody was there to decide it, or a pause let it wait; empty when neither is known."""
    moment = row.first_at or row.slot_at
    absent = absent_until(reader, moment, row.decided_at)
    if absent is not None:
        return absent.text
    record = reader.objects.by_uid(row.job_uid)
    holds = held_then(reader, record, moment) if record is not None else ()
    return "; ".join(
        f"{hold.name} let it wait, from {moment_text(hold.since)} to {moment_text(hold.ended)}"
        for hold in holds
    )


def _run(reader: Reader, row: SlotRecord, run: InstanceRecord | None, now: datetime) -> Said:
    id = row.instance_id
    if run is None:
        state, _, _ = row.outcome.partition(" ")
        how = f": {row.outcome}" if row.outcome else ""
        answer = "ran" if state.rstrip(",") in ("", *_ENDS) else state.lower()
        return Said(answer, (f"it became instance {id}{how}; that run has left the history",), id)
    if run.state in _ENDS:
        return Said("ran", (_ended(run), *_caught_up(reader, row, run)), id)
    if run.state in _UNDER_WAY:
        text = f"instance {id} is {run.state} since {moment_text(run.started_at)}"
        return Said("running", (text, *_caught_up(reader, row, run)), id)
    if run.state in ("SCHEDULED", "PAUSED"):
        return _waits(reader, run, now)
    return _never_ran(reader, run)


def _ended(run: InstanceRecord) -> str:
    late = round(((run.first_started_at or run.created_at) - (run.slot_at or run.due_at)).total_seconds())
    started = moment_text(run.first_started_at)
    after = f", {format_duration(timedelta(seconds=late))} after its slot" if late > 0 else ""
    tries = f", attempt {run.attempt}" if run.attempt > 1 else ""
    ended = moment_text(run.completed_at)
    text = f"it ran as instance {run.id}: {run.state}; started {started}{after}, ended {ended}"
    error = f": {run.error['description']}" if run.error and run.error.get("description") else ""
    return text + tries + error


def _caught_up(reader: Reader, row: SlotRecord, run: InstanceRecord) -> tuple[str, ...]:
    """What lies between a slot and its run: downtime, or jitter."""
    if run.trigger.get("missed"):
        because = _missed_because(reader, row)
        caught_up = f"R10: it was missed, and caught up at {moment_text(row.decided_at)}"
        return (f"{caught_up}: {because}" if because else caught_up,)
    if run.origin in TRIGGERED:
        return (f"it was started by {run.trigger.get('by') or run.origin}",)
    jitter = run.due_at - run.slot_at if run.slot_at is not None and run.attempt <= 1 else timedelta(0)
    return (f"R12: its jitter is {format_duration(jitter)}",) if jitter >= _JITTER_AT_LEAST else ()


def _waits(reader: Reader, run: InstanceRecord, now: datetime) -> Said:
    if run.state == "PAUSED":
        since = moment_text(run.paused_at)
        text = f"instance {run.id} is PAUSED since {since}: {', '.join(run.pauses) or run.reason}"
        waits = waits_for(reader, run, now)
        goes_on = (f"it waits for {waits.text}",) if waits is not None else ()
        return Said("paused", (text, *goes_on), run.id, blocker=", ".join(run.pauses))
    waits = waits_for(reader, run, now)
    if waits is not None:
        blocker = f"instance {waits.behind}" if waits.behind else waits.text
        return Said(
            "waiting", (f"instance {run.id} is due and waits for {waits.text}",), run.id, blocker=blocker
        )
    text = f"instance {run.id} waits until {moment_text(run.due_at)} ({run.reason})"
    return Said("waiting", (text,), run.id)


def _never_ran(reader: Reader, run: InstanceRecord) -> Said:
    """SKIPPED, CANCELLED or REPLACED: by what, and by whom."""
    ends = [e for e in reader.events.of("instance", str(run.id), alone=True) if e.after == run.state]
    who = f" by {ends[0].who}" if ends else ""
    reason, _, about = run.reason.partition(": ")
    blocker, told = "", run.reason
    if run.state == "REPLACED":
        blocker = f"instance {run.replaced_by}" if run.replaced_by else ""
        told = f"{blocker} took its place" if blocker else told
    elif reason == "overlap" and about.isdecimal():
        other = reader.instances.get(int(about))
        blocker = f"instance {about}"
        told = f"{blocker} was under way" + (
            f" (started {moment_text(other.started_at)}, {_until(other)})" if other else ""
        )
    elif reason.startswith("hold "):
        blocker, reason = run.reason, "hold"
    elif reason.startswith("skipped by an operator"):
        reason = "operator-skip"
    when = moment_text(run.completed_at)
    text = f"instance {run.id} was {run.state} at {when}{who}: {told}"
    rule = reason if reason in RULES else ""
    return Said(run.state.lower(), (text, *_rule(rule)), run.id, rule, blocker)


def _until(run: InstanceRecord) -> str:
    return f"ended {moment_text(run.completed_at)}" if run.completed_at else f"still {run.state}"


def _rule(rule: str) -> tuple[str, ...]:
    return (sentence_of(rule),) if rule in RULES else ()
