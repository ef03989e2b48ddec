"""One page of the targets of a run, those that need a person first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.store.steps import StepRecord
from runner.store.tasks import AtWork, TaskRecord
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.names import nearest

ORDER = ("FAILED", "RUNNING", "RESCHEDULED", "CANCELLED", "SCHEDULED", "SUCCEEDED")
"""What a person looks for, first; within a state the order of the inventory."""

WAITING = ("RESCHEDULED", "SCHEDULED")


@dataclass(frozen=True, slots=True)
class TargetsPage:
    """Some targets with their steps; `counts` are of all targets by state, `matching` of those that fit."""

    counts: Mapping[str, int]
    matching: int
    offset: int
    tasks: tuple[TaskRecord, ...]
    steps: tuple[StepRecord, ...]
    behind: Mapping[str, AtWork]
    """Targets that wait, and another run works on them: target → that run."""


def targets_page(
    reader: Reader,
    instance: InstanceRecord,
    *,
    states: Sequence[str] = (),
    offset: int = 0,
    limit: int | None = None,
) -> TargetsPage:
    """From the `offset`-th target on, `limit` at most; UnknownName for a state that no target is ever in."""
    for state in states:
        if state not in ORDER:
            close = nearest(state, ORDER)
            hint = f"did you mean {close}? " if close else ""
            raise UnknownName(f"no target is ever {state!r}; {hint}known: {', '.join(ORDER)}")
    counts = reader.tasks.counts(instance.id)
    wanted = [state for state in ORDER if state in (states or ORDER)]
    tasks: list[TaskRecord] = []
    skip, left = offset, limit
    for state in wanted:
        number = counts.get(state, 0)
        if skip >= number:
            skip -= number
        elif left is None or left > 0:
            found = reader.tasks.page(instance.id, (state,), offset=skip, limit=left)
            tasks += found
            skip, left = 0, None if left is None else left - len(found)
    steps = reader.steps.of_targets(instance.id, [task.target for task in tasks])
    return TargetsPage(
        counts,
        sum(counts.get(state, 0) for state in wanted),
        offset,
        tuple(tasks),
        tuple(step for each in steps.values() for step in each),
        reader.tasks.at_work(instance.id, [task.target for task in tasks if task.state in WAITING]),
    )


def the_target(reader: Reader, instance: InstanceRecord, target: str) -> TaskRecord:
    """That target of a run; UnknownName, with the nearest one, when it has none of that name."""
    task = reader.tasks.get(instance.id, target)
    if task is not None:
        return task
    named = f"instance {instance.id} of {instance.job}"
    if not instance.targets:
        raise UnknownName(f"{named} has no targets: its job has no inventory, or they are not frozen yet")
    close = nearest(target, [each.target for each in reader.tasks.open_tasks(instance.id)])
    hint = f"; did you mean {close!r}?" if close else f"; see `runner instances show {instance.id}`"
    raise UnknownName(f"{named} has no target {target!r}{hint}")
