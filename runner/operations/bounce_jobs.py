"""Bounce jobs: stop what runs and start it again; let what waits for its retry start now; or reset what has
failed, and go on with what it saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from runner.access.permission import Actor, may
from runner.lifecycle.instance import INSTANCE
from runner.lifecycle.job import FAILED, RUNNING
from runner.operations.acting_on_runs import Asking
from runner.operations.bounce_instances import bounce_run, is_between_attempts, is_bounced
from runner.operations.holding import Acted, acted, counted
from runner.operations.job_moves import has_failed, status_of
from runner.operations.rerun import create_again
from runner.operations.reset import reset_job
from runner.operations.selection import installed
from runner.store.instances import InstanceRecord
from runner.store.objects import ObjectRecord
from runner.store.port import Transaction
from runner.vocabulary.errors import IllegalTransition


def bounce_jobs(
    tx: Transaction, names: Sequence[str], *, actor: Actor, reason: str, now: datetime, key: str
) -> tuple[Acted, ...]:
    """All of them, or none: refused for a job that neither runs, nor waits for a retry, nor has failed.

    `key` is new for each act. A failed job that is bounced is reset, and a new instance goes on with the
    state data of the failed one; twice is once, while that instance has not ended.
    """
    records = [installed(tx, "Job", name) for name in names]
    may(actor, "bounce")
    refusals = []
    for record in records:
        status = status_of(tx, record.uid, now).status
        may_be = status == RUNNING or has_failed(tx, record.uid, now)
        if not may_be and not _bounced(tx, record) and not _between(tx, record):
            refusals.append(f"Job/{record.name} is {status}")
    if refusals:
        raise IllegalTransition(
            f"{'; '.join(refusals)}; bounce is accepted in {RUNNING} and {FAILED}, and while a retry waits"
        )
    asking = Asking(tx, str(actor), reason, now)
    return tuple(_bounce(asking, record, actor, key) for record in records)


def _bounce(asking: Asking, record: ObjectRecord, actor: Actor, key: str) -> Acted:
    tx, now = asking.tx, asking.now
    if has_failed(tx, record.uid, now):
        reset_job(tx, record, asking.who, asking.reason, now)
        failed = tx.instances.latest_of(record.uid, states=("FAILED",))
        if failed is None:
            return acted(tx, record, now, changed=True)
        id = create_again(
            tx, record, failed, actor=actor, key=f"{key}:{record.uid}", reason=asking.reason, now=now
        )
        note = f"instance {id} goes on with what instance {failed.id} saved"
        return acted(tx, record, now, changed=True, notes=[note])
    running = [r for r in tx.instances.unfinished_of(record.uid) if INSTANCE.accepts(r.state, "stop")]
    waiting = [run for run in _between(tx, record) if run.due_at > now]
    for run in (*running, *waiting):
        bounce_run(asking, run)
    notes = counted(
        (len(running), "run starts again", "runs start again"),
        (len(waiting), "run that waited is due now", "runs that waited are due now"),
    )
    return acted(tx, record, now, changed=bool(running or waiting), notes=notes)


def _between(tx: Transaction, record: ObjectRecord) -> list[InstanceRecord]:
    """Its runs that have begun and wait for their next attempt."""
    return [run for run in tx.instances.unfinished_of(record.uid) if is_between_attempts(run)]


def _bounced(tx: Transaction, record: ObjectRecord) -> bool:
    """Whether a run of it is on its way back already."""

    def on_its_way(run: InstanceRecord) -> bool:
        return is_bounced(run) or (run.rerun_of is not None and run.epoch == 0)

    return any(on_its_way(run) for run in tx.instances.unfinished_of(record.uid))
