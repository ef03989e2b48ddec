"""Pause one instance and let it go on: the writes that every pause shares, whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from runner.lifecycle.holds import active
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.pausing import (
    DISABLE,
    GRACE,
    JOB,
    PAUSE,
    NotPausable,
    Pausable,
    decide_pause,
    reasons_left,
)
from runner.lifecycle.step import STEP
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction

SLEEPING = "sleeping"
TARGETS_MAY_TAKE = timedelta(days=7)
"""With `onPause: finish` targets that have started end by themselves; their own timeout bounds that."""
RESUMED = "resumed"


def how_to_pause(reader: Reader, instance: InstanceRecord) -> Pausable | NotPausable:
    """Whether there is a moment at which this instance can stop and later go on."""
    spec = reader.revisions.get(instance.job_uid, instance.digest) or {}
    if spec.get("executor") == "external":
        return NotPausable("another system executes it, which knows no pause")
    if instance.targets:  # between two targets it can always stop
        interrupts = (spec.get("tasks") or {}).get("onPause") == "interrupt"
        return Pausable(GRACE if interrupts else TARGETS_MAY_TAKE, forced=interrupts)
    steps = reader.steps.of(instance.id)
    begun = any(step.state == "STARTED" for step in steps)
    ahead = sum(step.state == "PENDING" for step in steps)
    to_do = {step.name for step in steps if step.state in ("STARTED", "PENDING")}
    return decide_pause(
        on_crash=str(spec.get("onCrash", "fail")),
        boundary_ahead=ahead > (0 if begun else 1),
        has_checkpoints=any(row.step in to_do for row in reader.state.of_instance(instance.id))
        or any(
            step["name"] in to_do and _is_class(step) for step in spec.get("steps") or () if "name" in step
        ),
    )


def _is_class(step: Mapping[str, Any]) -> bool:
    action = step.get("action")
    return step.get("kind") == "python" and isinstance(action, Mapping) and bool(action.get("class"))


def can_be_paused(instance: InstanceRecord) -> bool:
    """Whether its state is one in which a pause is accepted, or has been accepted."""
    return instance.state in ("PAUSING", "PAUSED") or INSTANCE.accepts(instance.state, "pause")


def pause_instance(
    tx: Transaction,
    instance: InstanceRecord,
    reason: str,
    *,
    who: str,
    why: str,
    now: datetime,
    grace: timedelta | None = None,
) -> bool:
    """Whether anything changed: PAUSED when it waits (I11), PAUSING when it runs (I18), else a reason more.

    The caller has asked `how_to_pause` about what is RUNNING. `grace` may be longer or shorter than what
    that says.
    """
    if reason in instance.pauses:
        return False
    pauses = tuple(sorted({*instance.pauses, reason}))
    if instance.state in ("PAUSING", "PAUSED"):
        _note(tx, instance, "pause.added", who=who, why=why or reason, now=now)
        tx.instances.update(instance.id, epoch=instance.epoch, pauses=pauses, reason=", ".join(pauses))
        return True
    changes: dict[str, Any] = {"pauses": pauses, "reason": ", ".join(pauses)}
    if instance.state == "SCHEDULED":
        changes |= {"paused_at": now, "resume_as": instance.reason}
    else:
        how = how_to_pause(tx, instance)
        allowed = grace if grace is not None else how.grace if isinstance(how, Pausable) else timedelta(0)
        changes["forced_at"] = now + allowed
    move = INSTANCE.move(instance.state, "pause")
    tx.instances.move(instance.id, move, epoch=instance.epoch, at=now, who=who, why=why or reason, **changes)
    return True


def resume_instance(
    tx: Transaction,
    instance: InstanceRecord,
    lifted: Iterable[str],
    *,
    who: str,
    why: str,
    now: datetime,
) -> bool:
    """Whether anything changed: RUNNING when it had not obeyed yet (I22), SCHEDULED when it had (I28).

    It stays paused while another reason is left, or its job is held in a way that keeps it (`reasons_left`).
    """
    held = [hold.kind for hold in active(tx.holds.of(instance.job_uid), now)]
    left = reasons_left(instance.pauses, lifted, held)
    if left:
        if left == instance.pauses:
            return False
        _note(tx, instance, "pause.lifted", who=who, why=why, now=now)
        tx.instances.update(instance.id, epoch=instance.epoch, pauses=left, reason=", ".join(left))
        return True
    changes: dict[str, Any] = {"reason": ""}
    if instance.state == "PAUSED":
        _reopen_failed_steps(tx, instance, who, now)
        changes = _when_it_goes_on(instance, now)
    move = INSTANCE.move(instance.state, "resume")
    tx.instances.move(instance.id, move, epoch=instance.epoch, at=now, who=who, why=why, **changes)
    return True


def resume_what_the_job_kept(
    tx: Transaction, job_uid: str, *, who: str, why: str, now: datetime
) -> tuple[int, ...]:
    """Let go on what was paused with its job or by disabling it, as far as its holds allow; their ids."""
    gone_on: list[int] = []
    for instance in tx.instances.unfinished_of(job_uid):
        if instance.state not in ("PAUSING", "PAUSED") or not {JOB, DISABLE} & set(instance.pauses):
            continue
        resume_instance(tx, instance, (JOB, DISABLE), who=who, why=why, now=now)
        after = tx.instances.get(instance.id)
        if after is not None and after.state not in ("PAUSING", "PAUSED"):
            gone_on.append(instance.id)
    return tuple(gone_on)


def force_pause(
    tx: Transaction, instance: InstanceRecord, *, who: str, now: datetime, until: datetime
) -> None:
    """I26 by the time: it did not obey, and is stopped; it will be PAUSED (I36)."""
    move = INSTANCE.move("PAUSING", "stop")
    tx.instances.move(
        instance.id,
        move,
        epoch=instance.epoch,
        at=now,
        who=who,
        why="it did not pause in time",
        reason=PAUSE,
        forced_at=until,
    )


def _when_it_goes_on(instance: InstanceRecord, now: datetime) -> dict[str, Any]:
    """What waited when it was paused waits for the rest of its delay, for the same reason as before."""
    if instance.resume_as is None or instance.paused_at is None:
        return {"reason": RESUMED, "due_at": now}
    if instance.resume_as == SLEEPING:
        return {"reason": SLEEPING, "due_at": max(now, instance.due_at)}
    rest = max(instance.due_at - instance.paused_at, timedelta(0))
    changes: dict[str, Any] = {"reason": instance.resume_as, "due_at": now + rest}
    if instance.start_deadline is not None:
        changes["start_deadline"] = instance.start_deadline + (now - instance.paused_at)
    return changes


def _reopen_failed_steps(tx: Transaction, instance: InstanceRecord, who: str, now: datetime) -> None:
    for step in tx.steps.of(instance.id):
        if step.state == "FAILED":
            reopen = STEP.move("FAILED", "reopen")
            tx.steps.move(instance.id, step.target, step.name, reopen, epoch=instance.epoch, at=now, who=who)


def _note(
    tx: Transaction, instance: InstanceRecord, event: str, *, who: str, why: str, now: datetime
) -> None:
    """An event that is no move: only the reasons change."""
    tx.events.append("instance", str(instance.id), event, at=now, who=who, why=why)
