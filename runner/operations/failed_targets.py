"""Which targets of a run are worth another run: those that failed, were cancelled or never started."""

from __future__ import annotations

from datetime import datetime

from runner.lifecycle.task import TASK
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction
from runner.store.tasks import TaskRecord
from runner.vocabulary.errors import IllegalTransition

OTHERS = tuple(sorted(TASK.states - {TASK.initial, "SUCCEEDED"}))


def failed_targets(reader: Reader, instance: InstanceRecord) -> list[TaskRecord]:
    """The targets of an ended run that did not succeed, in the order of the inventory; [] without any."""
    return reader.tasks.page(instance.id, OTHERS) if instance.targets else []


def take_failed_targets(
    tx: Transaction,
    new_id: int,
    predecessor: InstanceRecord,
    *,
    now: datetime,
    who: str,
    inventory: str | None = None,
) -> int:
    """Give the failed targets of an ended run to one that was created for them and waits; how many.

    They keep the values that they had, and the state that their code has saved; what the inventory says by
    now is not looked at. IllegalTransition when every target succeeded.
    """
    targets = failed_targets(tx, predecessor)
    if not targets:
        raise IllegalTransition(
            f"instance {predecessor.id} of {predecessor.job} has no target that failed, was cancelled or"
            " never started; trigger the job to run it for all of them"
        )
    frozen = [(task.target, task.values) for task in targets]
    create = TASK.move("NEW", "create")
    tx.tasks.freeze(new_id, frozen, create, at=now, who=who, inventory=inventory)
    tx.instances.update(new_id, epoch=0, targets=len(frozen))
    tx.state.take_over(new_id, predecessor=predecessor.id, at=now)
    return len(frozen)
