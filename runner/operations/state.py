"""Show, change or clear what a job's code has saved: per run, and for good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.access.permission import Actor, may
from runner.lifecycle.job import JOB, RUNNING
from runner.operations.job_moves import status_of
from runner.operations.selection import installed
from runner.store.objects import ObjectRecord
from runner.store.port import Reader, Transaction
from runner.store.state import PersistentRecord, StateRecord
from runner.vocabulary.errors import IllegalTransition, RunnerError, UnknownName

MOST_SAVED = 1 << 20
"""Bytes of JSON, as for a job's own code."""


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


@dataclass(frozen=True, slots=True)
class Changed:
    """What was changed: the state of this run and target, or (None) what the job keeps for good."""

    job: str
    instance_id: int | None
    target: str | None
    data: Mapping[str, Any]


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
    record = _changeable(tx, name, "cleared", actor, now, allow_protected)
    rows = tx.state.clear(record.uid, instance_id=instance, at=now, who=str(actor), why=reason)
    gone = persistent and tx.state.clear_persistent(record.uid, at=now, who=str(actor), why=reason)
    return Cleared(record.name, rows, gone)


def set_state(
    tx: Transaction,
    name: str,
    *,
    values: Mapping[str, Any],
    removed: Sequence[str] = (),
    whole: bool = False,
    actor: Actor,
    reason: str,
    now: datetime,
    persistent: bool = False,
    instance: int | None = None,
    target: str | None = None,
    allow_protected: bool = False,
) -> Changed:
    """Set keys of what a run of this job has saved (the newest that has), or of what the job keeps for good.

    `whole`: `values` take the place of everything. Only what is saved already can be changed, because it
    belongs to a step; what is kept for good may begin here. Refused while the job is RUNNING.
    """
    record = _changeable(tx, name, "set", actor, now, allow_protected)
    if persistent:
        kept = tx.state.persistent(record.uid)
        data = _merged(kept.data if kept else {}, values, removed, whole)
        tx.state.put_persistent(record.uid, data, at=now)
        changed = Changed(record.name, None, None, data)
    else:
        row = _row(tx, record.uid, name, instance, target)
        data = _merged(row.data, values, removed, whole)
        tx.state.put(record.uid, row.instance_id, row.target, data, at=now)
        changed = Changed(record.name, row.instance_id, row.target, data)
    keys = sorted({*values, *removed})  # never the values: there may be secrets among them
    details = {"keys": keys, "instance_id": changed.instance_id, "target": changed.target, "whole": whole}
    tx.events.append("Job", record.name, "state.set", at=now, who=str(actor), why=reason, details=details)
    return changed


def _changeable(
    tx: Transaction, name: str, verb: str, actor: Actor, now: datetime, allow_protected: bool
) -> ObjectRecord:
    record = installed(tx, "Job", name)
    may(actor, f"{'clear' if verb == 'cleared' else verb}-state", what=name, protected=record.protected,
        allow_protected=allow_protected)  # fmt: skip
    if status_of(tx, record.uid, now).status == RUNNING:
        accepted = ", ".join(sorted(JOB.states - {RUNNING, JOB.initial}))
        raise IllegalTransition(f"Job/{name} is RUNNING; its state can be {verb} in {accepted}")
    return record


def _row(tx: Transaction, uid: str, name: str, instance: int | None, target: str | None) -> StateRecord:
    owner = instance if instance is not None else tx.state.last_owner(uid)
    rows = [row for row in tx.state.of(uid) if row.instance_id == owner]
    if not rows:
        whose = f"instance {instance} of Job/{name}" if instance is not None else f"Job/{name}"
        raise UnknownName(
            f"{whose} has saved no state that could be set; --persistent sets what it keeps for good"
        )
    if target is None and len(rows) > 1:
        raise UnknownName(f"instance {owner} of Job/{name} has {len(rows)} targets; name one with --target")
    found = next((row for row in rows if target in (None, row.target)), None)
    if found is None:
        raise UnknownName(f"instance {owner} of Job/{name} has saved nothing for target {target!r}")
    return found


def _merged(before: Any, values: Mapping[str, Any], removed: Sequence[str], whole: bool) -> dict[str, Any]:
    kept = {} if whole or not isinstance(before, dict) else before
    data = {key: value for key, value in {**kept, **values}.items() if key not in removed}
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
    if size > MOST_SAVED:
        raise RunnerError(f"the state would be {size} bytes of JSON; {MOST_SAVED} is the most")
    return data
