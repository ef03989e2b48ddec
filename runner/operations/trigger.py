"""Start a job by hand: record the start; the daemon carries it out (I2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from runner.access.permission import Actor, may
from runner.declaration.inputs import check_inputs
from runner.dispatch.start import Skip, decide_manual
from runner.lifecycle.holds import active
from runner.operations.job_moves import status_of
from runner.operations.named_slot import latest_slot, named_slot
from runner.operations.selection import installed
from runner.operations.settings import zone_of_jobs_without_a_schedule
from runner.operations.start_notes import start_notes
from runner.store.holds import HoldRecord
from runner.store.instances import NewInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Store, Transaction
from runner.vocabulary.duration import parse_duration
from runner.vocabulary.errors import ChangedMeanwhile, IllegalTransition, RunnerError


class BadInputs(RunnerError):
    """Given inputs do not fit what the job declares."""


@dataclass(frozen=True, slots=True)
class Triggered:
    """The recorded start: its number, the inputs it gets, the slot it stands for, what else to know."""

    id: int
    job: str
    inputs: Mapping[str, Any]
    for_slot: str | None
    notes: tuple[str, ...]


def trigger_job(
    store: Store,
    name: str,
    *,
    actor: Actor,
    key: str,
    now: datetime,
    given: Mapping[str, str] | None = None,
    slot: str | None = None,
    force: bool = False,
    reason: str = "",
) -> Triggered:
    """Record a start due now. `key` is new for each start; the schedule's own slots are never used up.

    BadInputs for inputs that do not fit, UnknownName for a slot that the job does not have, and
    IllegalTransition when a hold is in the way and `force` was not said, or does not help.
    """
    may(actor, "trigger")
    with store.read() as reader:
        serial = reader.serial()
        record = installed(reader, "Job", name)
        zone = ZoneInfo(zone_of_jobs_without_a_schedule(reader)) if slot is not None else None
    # Reading schedules may take its time, so it happens before the write transaction.
    inputs = checked_inputs(record, given or {})
    meant = latest_slot(record, now) if slot is None or zone is None else named_slot(record, slot, zone, now)
    deadline = record.resolved["deadline"]
    new = NewInstance(
        job_uid=record.uid,
        job=record.name,
        origin="manual",
        slot_key=f"manual:{key}",
        slot_at=meant.at if meant else None,
        slot_local=meant.local if meant else None,
        due_at=now,
        reason="manual",
        digest=record.digest,
        revision=record.revision,
        inputs=inputs,
        trigger={
            "by": str(actor),
            **({"for_slot": meant.key} if meant and slot is not None else {}),
            **({"force": True} if force else {}),
            **_items_to_work_through(record),
        },
        expires_at=now + parse_duration(deadline) if deadline else None,
        requested_by=str(actor),
    )

    def work(tx: Transaction) -> tuple[int, list[str]]:
        if tx.serial() != serial and installed(tx, "Job", name).digest != record.digest:
            raise ChangedMeanwhile(f"Job/{name} was changed at this very moment; nothing was recorded")
        return _record(tx, record, new, force=force, reason=reason, now=now)

    id, notes = store.transact(work)
    return Triggered(id, record.name, inputs, new.trigger.get("for_slot"), tuple(notes))


def _record(
    tx: Transaction, record: ObjectRecord, new: NewInstance, *, force: bool, reason: str, now: datetime
) -> tuple[int, list[str]]:
    holds = active(tx.holds.of(record.uid), now)
    answer = decide_manual(holds, force=force)
    if isinstance(answer, Skip):
        raise IllegalTransition(_refusal(tx, record, holds, answer, now))
    notes = [*start_notes(tx, record, holds, now, force=force), *_nothing_arrived(record, new)]
    id = tx.instances.create(new, who=new.requested_by, at=now, why=reason)
    if id is None:
        raise ChangedMeanwhile(f"the start of {record.name} with key {new.slot_key} is recorded already")
    return id, notes


def refuse_held(
    tx: Transaction, record: ObjectRecord, *, force: bool, now: datetime
) -> tuple[HoldRecord, ...]:
    """The active holds of the job; IllegalTransition when one of them is in the way of a start by hand."""
    holds = active(tx.holds.of(record.uid), now)
    answer = decide_manual(holds, force=force)
    if isinstance(answer, Skip):
        raise IllegalTransition(_refusal(tx, record, holds, answer, now))
    return holds


def _refusal(
    tx: Transaction, record: ObjectRecord, holds: Sequence[HoldRecord], answer: Skip, now: datetime
) -> str:
    blocker = next(hold for hold in holds if hold.kind == answer.blocker)
    status = status_of(tx, record.uid, now).status
    helps = "" if blocker.kind in ("removed", "maintenance") else "; --force starts it all the same"
    return (
        f"Job/{record.name} is {status}, hold {blocker.kind} of {blocker.owner}"
        f"{f' ({blocker.reason})' if blocker.reason else ''}; "
        f"trigger is accepted in ASLEEP, RUNNING and FAILED{helps}"
    )


def _items_to_work_through(record: ObjectRecord) -> dict[str, Any]:
    """A job that works through what arrives does so when it is started by hand, too."""
    for name, trigger in _triggers(record).items():
        if consume := trigger.get("consume"):
            linger_s = parse_duration(consume["linger"]).total_seconds()
            return {"consume": {"linger_s": linger_s, "schedule": name}}
    return {}


def _nothing_arrived(record: ObjectRecord, new: NewInstance) -> list[str]:
    """A note for a job whose expressions read what had arrived: by hand, nothing has."""
    if not _triggers(record) or "consume" in new.trigger:
        return []
    spec = record.resolved
    if "trigger." not in json.dumps([spec["steps"], spec["env"], spec["outputs"]]):
        return []
    return [
        "nothing has arrived for a start by hand, so what the job reads of `trigger` is not there; "
        f"runner jobs items {record.name} --again ID repeats an item, and runner instances rerun ID a run"
    ]


def _triggers(record: ObjectRecord) -> dict[str, Mapping[str, Any]]:
    schedules = sorted(record.resolved["schedules"].items())
    return {name: settings["trigger"] for name, settings in schedules if settings.get("trigger")}


def checked_inputs(record: ObjectRecord, given: Mapping[str, str]) -> dict[str, Any]:
    """What is given, else the job's own `with`, else the declared default."""
    schema = record.resolved["inputs"]
    values, problems = check_inputs(schema, {**record.resolved["with"], **given}, from_text=True)
    if problems:
        told = "; ".join(
            f"{problem.detail}{f' ({problem.hint})' if problem.hint else ''}" for problem in problems
        )
        raise BadInputs(f"Job/{record.name}: {told}")
    return values
