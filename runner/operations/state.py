"""Show or clear what a job's code has saved: per run, and for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.job import JOB, RUNNING
from runner.operations.holding import status_of
from runner.operations.selection import installed
from runner.store.port import Reader, Transaction
from runner.store.records import PersistentRecord, StateRecord
from runner.vocabulary.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a job has saved: one row per run and target, and the part that outlives success."""

    job: str
    rows: tuple[StateRecord, ...]
    persistent: PersistentRecord | None


@dataclass(frozen=True, slots=True)
class Cleared:
    """What was deleted."""

    job: str
    rows: int
    persistent: bool


def show_state(reader: Reader, name: str) -> SavedState:
    """What this job has saved."""
    record = installed(reader, "Job", name)
    return SavedState(record.name, tuple(reader.state.of(record.uid)), reader.state.persistent(record.uid))


def clear_state(
    tx: Transaction,
    name: str,
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    instance: int | None = None,
    persistent: bool = False,
    allow_protected: bool = False,
) -> Cleared:
    """Delete what runs of this job have saved (or one run), and with `persistent` also what outlives success.

    Refused while the job is RUNNING: its code would go on with what it has read before.
    """
    record = installed(tx, "Job", name)
    may(actor, "clear-state", what=name, protected=record.protected, allow_protected=allow_protected)
    if status_of(tx, record.uid, now).status == RUNNING:
        accepted = ", ".join(sorted(JOB.states - {RUNNING, JOB.initial}))
        raise IllegalTransition(f"Job/{name} is RUNNING; its state can be cleared in {accepted}")
    rows = tx.state.clear(record.uid, instance_id=instance, at=now, who=str(actor), why=reason)
    gone = persistent and tx.state.clear_persistent(record.uid, at=now, who=str(actor), why=reason)
    return Cleared(record.name, rows, gone)
