"""Find the log of a run: by its id, or the latest (failed) run of a job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.execution.order import NO_TARGET
from runner.lifecycle.instance import INSTANCE
from runner.operations.selection import unknown
from runner.operations.show_targets import targets_page, the_target
from runner.store.instances import InstanceRecord, log_path_of
from runner.store.port import Reader, Store
from runner.vocabulary.errors import UnknownName
from runner.vocabulary.names import nearest

LOOKED_AT = 200
"""Runs among which the latest that has begun is looked for; the newer ones wait, or were skipped."""


@dataclass(frozen=True, slots=True)
class FoundLog:
    """Which run it is, and where its log lies (there is none when it has printed nothing)."""

    instance_id: int
    job: str
    path: Path

    def is_live(self, store: Store) -> bool:
        """Whether more may come."""
        with store.read() as reader:
            instance = reader.instances.get(self.instance_id)
        return instance is not None and instance.state not in INSTANCE.terminal


def find_log(
    store: Store,
    state: Path,
    name_or_id: str,
    *,
    failed: bool,
    step: str | None = None,
    target: str | None = None,
    follow: bool = False,
) -> FoundLog:
    """The log that is meant; UnknownName, with the nearest known name, for no such run, job, step or target.

    A run over an inventory has one for each target, so that one has to be named.
    Of a job it is that of the latest run that has begun; to follow, also of one that waits for its start.
    """
    with store.read() as reader:
        if name_or_id.isdecimal():
            instance = reader.instances.get(int(name_or_id))
            if instance is None:
                raise UnknownName(f"there is no instance {name_or_id}; see `runner instances list`")
        else:
            states = ("FAILED",) if failed else None
            found = reader.instances.list(job=name_or_id, states=states, limit=LOOKED_AT)
            if not found:
                raise _nothing(name_or_id, [s.name for s in reader.objects.summaries("Job")], failed)
            instance = next((run for run in found if _has_a_log(run, follow)), found[0])
        if target is not None:
            the_target(reader, instance, target)
        elif instance.targets:
            raise _which_target(reader, instance)
        steps = [each.name for each in reader.steps.of(instance.id, target or NO_TARGET)]
    if step is not None and steps and step not in steps:
        close = nearest(step, steps)
        hint = f"did you mean {close!r}?" if close else f"known: {', '.join(steps)}"
        raise UnknownName(f"instance {instance.id} of {instance.job} has no step {step!r}; {hint}")
    return FoundLog(
        instance.id, instance.job, state / log_path_of(instance.job, instance.id, target or NO_TARGET)
    )


def _which_target(reader: Reader, instance: InstanceRecord) -> UnknownName:
    page = targets_page(reader, instance, limit=3)
    first = ", ".join(f"{task.target} ({task.state})" for task in page.tasks)
    return UnknownName(
        f"instance {instance.id} of {instance.job} has a log for each of its {instance.targets} targets; "
        f"name one with --target: {first}{', …' if page.matching > len(page.tasks) else ''}"
    )


def _has_a_log(run: InstanceRecord, follow: bool) -> bool:
    return run.first_started_at is not None or (follow and run.state not in INSTANCE.terminal)


def _nothing(name: str, known: list[str], failed: bool) -> UnknownName:
    if name not in known:
        return unknown("Job", name, known)
    if failed:
        return UnknownName(f"Job/{name} has no run that failed; `runner logs {name}` shows the last one")
    return UnknownName(f"Job/{name} has no run yet; start one with `runner jobs trigger {name}`")
