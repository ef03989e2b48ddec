"""Which runs stand still although they are RUNNING: stopped by a signal, or long beyond their own timeout?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from runner.execution.processes import boot_id, started_ticks, states_by_session
from runner.execution.still import Still, stands_still
from runner.operations.concern import Concern
from runner.operations.outcome import definition_of
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.duration import format_duration, parse_duration

AFTER_ITS_TIME = timedelta(minutes=1)
"""TERM, its grace and KILL are over by then."""

SHOWN_TARGETS = 5
"""Of one run that stand still, each in a line of its own."""


def standing_runs(reader: Reader, now: datetime) -> Iterator[Concern]:
    """Those that need a person: nothing ends them by itself."""
    running = [run for run in reader.instances.live() if run.state == "RUNNING"]
    boot = boot_id() if running else ""
    here = [run for run in running if run.pid is not None and run.boot_id == boot]
    states = states_by_session() if here or any(run.targets for run in running) else {}
    for run in running:
        of_it: Mapping[int, str] = states.get(run.pid or 0, {}) if run in here else {}
        if run.targets:
            yield from _targets(reader, run, states)
        if stills := _standing(of_it):
            yield _stuck(run, f"run {run.id}", stills, f"runner instances kill {run.id}")
        elif (limit := _timeout(reader, run)) is not None and _is_over(run, limit, now):
            waits = sorted(pid for pid, state in of_it.items() if state == "D")
            cause = f": its process {waits[0]} waits for a device or a file system" if waits else ""
            summary = f"run {run.id} is still there after its timeout of {format_duration(limit)}{cause}"
            yield Concern("stuck", run.job, run.started_at, summary, f"runner instances kill {run.id}")
        elif _never_began(reader, run, now):
            summary = f"run {run.id} was claimed, and its process has not begun"
            yield Concern("stuck", run.job, run.started_at, summary, f"runner instances kill {run.id}")


def _targets(
    reader: Reader, run: InstanceRecord, states: Mapping[int, Mapping[int, str]]
) -> Iterator[Concern]:
    """Those of its targets that stand still: the first of them by name."""
    found = []
    for target, pid, started in reader.tasks.processes(run.id):
        began = started_ticks(pid) if pid in states else None
        if pid in states and (began is None or began <= started) and (stills := _standing(states[pid])):
            found.append((target, stills))
    for target, stills in found[:SHOWN_TARGETS]:
        kill = f"runner instances kill {run.id} --target {target}"
        yield _stuck(run, f"target {target} of run {run.id}", stills, kill)
    if (more := len(found) - SHOWN_TARGETS) > 0:
        summary = f"{more} more of the targets of run {run.id} stand still"
        yield Concern("stuck", run.job, run.started_at, summary, f"runner instances show {run.id}")


def _standing(states: Mapping[int, str]) -> list[Still]:
    """Of these processes."""
    found = (stands_still(pid) for pid, state in sorted(states.items()) if state in "Tt")
    return [still for still in found if still is not None]


def _stuck(run: InstanceRecord, what: str, stills: Sequence[Still], kill: str) -> Concern:
    """Several processes stand still alike, as a rule: the first says how."""
    named = ", ".join(str(still.pid) for still in stills)
    go_on = stills[0].go_on
    if len(stills) > 1 and not any(still.by_debugger for still in stills):
        go_on = f"kill -CONT {named.replace(',', '')}"
    summary = f"{what} stands still: its process {named} is {stills[0].how}"
    return Concern("stuck", run.job, run.started_at, summary, f"{go_on}, or: {kill}")


def _never_began(reader: Reader, run: InstanceRecord, now: datetime) -> bool:
    """A run over an inventory has no process of its own, nor has one that another system executes."""
    if run.pid is not None or run.started_at is None or now < run.started_at + AFTER_ITS_TIME:
        return False
    return not definition_of(reader, run).get("tasks") and reader.external.get(run.id) is None


def _timeout(reader: Reader, run: InstanceRecord) -> timedelta | None:
    declared = definition_of(reader, run).get("timeout")
    return None if declared is None or reader.external.get(run.id) else parse_duration(declared)


def _is_over(run: InstanceRecord, limit: timedelta, now: datetime) -> bool:
    return run.started_at is not None and now > run.started_at + limit + AFTER_ITS_TIME
