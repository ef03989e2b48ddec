"""Note when the daemon is there and how its clock goes; hold the starts after a step far back (R14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from runner.dispatch.clock_watch import ClockEvent, ClockReading, compare_with_the_last_daemon
from runner.lifecycle.holds import CLOCK_STEPPED
from runner.operations.maintenance import MAINTENANCE
from runner.store.holds import HoldRecord
from runner.store.port import Transaction
from runner.vocabulary.instants import to_text

SUBJECT = "daemon"
"""The kind of the events' subject; its name is the number of the session."""

_ELAPSED = frozenset({"retry", "sleeping"})
"""Reasons of runs that wait for so long, and not until a time of the clock."""


def note_presence(
    tx: Transaction, session: int, boot_id: str, now: ClockReading
) -> tuple[int, tuple[ClockEvent, ...]]:
    """The stretch of a daemon that starts, and how the clock was stepped since the last one was there."""
    last = tx.presence.last()
    events: tuple[ClockEvent, ...] = ()
    if last is not None:
        same = last.boot_id == boot_id
        events = compare_with_the_last_daemon(last.last_at, last.last_boot_s, now, same_boot=same)
    moved_s = sum(event.moved_s for event in events)
    stretch = tx.presence.begin(session, boot_id, at=now.wall, boot_s=now.boot_s, by="start", moved_s=moved_s)
    if last is not None:
        _act(tx, session, events, last.last_at, now.wall)
    return stretch, events


def note_events(
    tx: Transaction,
    session: int,
    boot_id: str,
    events: Sequence[ClockEvent],
    before: ClockReading,
    now: ClockReading,
) -> int:
    """The new stretch that begins after them; the one before ended with the last look."""
    main = events[-1]
    last = tx.presence.last()
    if last is not None:
        tx.presence.extend(last.id, at=before.wall, boot_s=before.boot_s)
    stretch = tx.presence.begin(
        session, boot_id, at=now.wall, boot_s=now.boot_s, by=main.kind, moved_s=main.moved_s
    )
    _act(tx, session, events, before.wall, now.wall)
    return stretch


def _act(
    tx: Transaction, session: int, events: Sequence[ClockEvent], before: datetime, now: datetime
) -> None:
    for event in events:
        tx.events.append(
            SUBJECT,
            str(session),
            f"clock.{event.kind}",
            at=now,
            who=CLOCK_STEPPED,
            why=event.text,
            details={
                "severity": "error" if event.holds or event.kind == "stall" else "warning",
                "seconds": round(event.moved_s, 3),
                "before": to_text(before),
                "after": to_text(now),
            },
        )
        if event.kind in ("forward", "backward"):
            _move_with_it(tx, timedelta(seconds=event.moved_s), before, now)
        if event.holds:
            _hold(tx, event, before, now)


def _move_with_it(tx: Transaction, step: timedelta, before: datetime, now: datetime) -> None:
    """What was due stays due; a retry waits, and a stop that is to be forced has, as long as it had."""
    for run in tx.instances.waiting():
        if run.reason in _ELAPSED and run.due_at > before:
            tx.instances.update(run.id, epoch=run.epoch, due_at=run.due_at + step)
        elif now < run.due_at <= before:
            tx.instances.update(run.id, epoch=run.epoch, due_at=now)
    for run in tx.instances.live():
        if run.forced_at is not None:
            tx.instances.update(run.id, epoch=run.epoch, forced_at=run.forced_at + step)


def _hold(tx: Transaction, event: ClockEvent, until: datetime, now: datetime) -> None:
    """Until the clock is again where it was: whatever fell due before that has been decided already."""
    for job in tx.objects.summaries("Job"):
        hold = HoldRecord(job.uid, MAINTENANCE, CLOCK_STEPPED, event.text, now, until)
        tx.holds.add(job.uid, hold, who=CLOCK_STEPPED, why=event.text)
