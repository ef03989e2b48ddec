"""Run again what has ended: a new instance, which names the one that it repeats (I3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.access.permission import Actor, may
from runner.dispatch.start import Skip, decide_manual
from runner.lifecycle.holds import active
from runner.lifecycle.instance import TERMINAL
from runner.lifecycle.step import STEP
from runner.operations.cancel import the_instance
from runner.operations.failed_targets import take_failed_targets
from runner.operations.selection import installed
from runner.operations.start_notes import start_notes
from runner.store.instances import InstanceRecord, NewInstance
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.store.steps import NewStep, StepRecord
from runner.vocabulary.duration import parse_duration
from runner.vocabulary.errors import ChangedMeanwhile, IllegalTransition, UnknownName

ORIGIN = "rerun"
WHAT_CAME = frozenset({"file", "payload", "webhook", "job", "jobs", "batch", "startup", "chain"})
"""Of `trigger`: what expressions of a job read."""

FAILED_ONES = ("FAILED", "PARTIALLY_SUCCEEDED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class Rerun:
    """The new run: its number, the one that it repeats, and its steps or targets that are not run again.

    Not `changed`: it was there already, and had not ended.
    """

    id: int
    job: str
    rerun_of: int
    taken_over: tuple[str, ...]
    targets: int = 0
    notes: tuple[str, ...] = ()
    changed: bool = True
    state: str = "SCHEDULED"


def rerun_instance(
    tx: Transaction,
    id: int,
    *,
    actor: Actor,
    key: str,
    reason: str,
    now: datetime,
    failed_only: bool = False,
    from_step: str | None = None,
) -> Rerun:
    """A new instance with the inputs of an ended one and the job as it is installed now, due at once.

    With `failed_only` only its targets run that failed, were cancelled or never started; without targets,
    its steps from the first that did not complete, with the state that was kept. `from_step` starts there.
    What had completed before keeps its outputs; another step can be left out only when it is `skippable`.
    Twice is once, while the new instance has not ended.
    """
    run = the_instance(tx, id)
    may(actor, "rerun")
    if (there := _under_way(tx, run)) is not None:
        return there
    accepted = FAILED_ONES if failed_only else tuple(sorted(TERMINAL))
    if run.state not in accepted:
        verb = "rerun --failed-only" if failed_only else "rerun"
        raise IllegalTransition(
            f"instance {run.id} of {run.job} is {run.state}; {verb} is accepted in {', '.join(accepted)}"
        )
    record = installed(tx, "Job", run.job)
    notes = _held(tx, record, now)
    if run.targets:
        _refuse_without_inventory(record, run, failed_only=failed_only, from_step=from_step)
    again = create_again(tx, record, run, actor=actor, key=key, reason=reason, now=now)
    if run.targets and failed_only:
        inventory = record.resolved["tasks"]["inventory"]
        count = take_failed_targets(tx, again, run, now=now, who=str(actor), inventory=inventory)
        return Rerun(again, run.job, run.id, (), count, notes)
    if run.targets:  # all of them, as the inventory says now
        return Rerun(again, run.job, run.id, (), notes=notes)
    names = _left_out(record, run, tx.steps.of(run.id), failed_only=failed_only, from_step=from_step)
    _take_over_steps(tx, again, record, tx.steps.of(run.id), names, str(actor), reason, now)
    return Rerun(again, run.job, run.id, names, notes=notes)


def create_again(
    tx: Transaction,
    record: ObjectRecord,
    run: InstanceRecord,
    *,
    actor: Actor,
    key: str,
    reason: str,
    now: datetime,
) -> int:
    """Record the new instance; its number."""
    deadline = record.resolved["deadline"]
    new = NewInstance(
        job_uid=record.uid,
        job=record.name,
        origin=ORIGIN,
        slot_key=f"rerun:{key}",
        slot_at=run.slot_at,
        slot_local=run.slot_local,
        due_at=now,
        reason="manual",
        digest=record.digest,
        revision=record.revision,
        inputs=run.inputs,
        trigger={**_what_came(run), "by": str(actor), "rerun_of": run.id},
        expires_at=now + parse_duration(deadline) if deadline else None,
        rerun_of=run.id,
        requested_by=str(actor),
    )
    created = tx.instances.create(new, who=str(actor), at=now, why=reason)
    if created is None:
        raise ChangedMeanwhile(f"the start of {record.name} with key {new.slot_key} is recorded already")
    return created


def _what_came(run: InstanceRecord) -> dict[str, Any]:
    """What had triggered it, for the expressions that read it; its items stay with the first run."""
    return {name: value for name, value in run.trigger.items() if name in WHAT_CAME}


def _under_way(tx: Transaction, run: InstanceRecord) -> Rerun | None:
    for other in tx.instances.unfinished_of(run.job_uid):
        if other.origin == ORIGIN and other.rerun_of == run.id:
            note = f"instance {other.id} runs it again already, and is {other.state}; nothing was started"
            return Rerun(other.id, run.job, run.id, (), other.targets, (note,), False, other.state)
    return None


def _held(tx: Transaction, record: ObjectRecord, now: datetime) -> tuple[str, ...]:
    """What is to be known about the new start; refused when a hold is in its way."""
    holds = active(tx.holds.of(record.uid), now)
    answer = decide_manual(holds, force=False, again=True)
    if isinstance(answer, Skip):
        blocker = next(hold for hold in holds if hold.kind == answer.blocker)
        raise IllegalTransition(
            f"Job/{record.name} has hold {blocker.kind} of {blocker.owner}; "
            "rerun is accepted in ASLEEP, RUNNING and FAILED"
        )
    return tuple(start_notes(tx, record, holds, now))


def _refuse_without_inventory(
    record: ObjectRecord, run: InstanceRecord, *, failed_only: bool, from_step: str | None
) -> None:
    if from_step is not None:
        raise IllegalTransition(
            f"instance {run.id} of {run.job} has {run.targets} targets, and each its own steps; "
            "--from-step is accepted for a run without an inventory"
        )
    if failed_only and not record.resolved.get("tasks"):
        raise IllegalTransition(
            f"instance {run.id} of {run.job} has {run.targets} targets, and Job/{run.job} has no inventory "
            f"any more; start it anew: runner jobs trigger {run.job}"
        )


def _left_out(
    record: ObjectRecord,
    run: InstanceRecord,
    before: Sequence[StepRecord],
    *,
    failed_only: bool,
    from_step: str | None,
) -> tuple[str, ...]:
    """The first steps of the job as it is now that are not run again; each had completed or is skippable."""
    steps = [step for step in record.resolved["steps"] if "name" in step]
    names = [str(step["name"]) for step in steps]
    completed = {step.name for step in before if step.state in ("COMPLETED", "SKIPPED")}
    if from_step is None:
        if not failed_only:
            return ()
        done = next((n for n, name in enumerate(names) if name not in completed), len(names))
        return tuple(names[:done])
    if from_step not in names:
        raise UnknownName(f"Job/{record.name} has no step '{from_step[:100]}'; it has: {', '.join(names)}")
    left_out = steps[: names.index(from_step)]
    needed = [
        str(step["name"]) for step in left_out if step["name"] not in completed and not step.get("skippable")
    ]
    if needed:
        raise IllegalTransition(
            f"step {needed[0]} of instance {run.id} did not complete and is not declared `skippable: true`; "
            f"rerun --from-step is accepted for {needed[0]} or an earlier step"
        )
    return tuple(str(step["name"]) for step in left_out)


def _take_over_steps(
    tx: Transaction,
    id: int,
    record: ObjectRecord,
    before: Sequence[StepRecord],
    names: Sequence[str],
    who: str,
    reason: str,
    now: datetime,
) -> None:
    """S3 for each of them; what had completed hands its outputs on."""
    if not names:
        return
    steps = [
        NewStep(str(s["name"]), str(s["kind"]), str(s.get("remedy") or "")) for s in record.resolved["steps"]
    ]
    tx.steps.create_all(id, "-", steps)
    outputs = {step.name: step.outputs for step in before}
    move = STEP.move("PENDING", "operator_skip")
    for name in names:
        tx.steps.move(
            id, "-", name, move, epoch=0, at=now, who=who, why=reason or "rerun", outputs=outputs.get(name)
        )
