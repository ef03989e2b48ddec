"""Which runs stand still although they are RUNNING: stopped by a signal, or long beyond their own timeout?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from runner.execution.processes import boot_id, states_by_session
from runner.operations.concern import Concern
from runner.operations.outcome import definition_of
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.duration import format_duration, parse_duration

AFTER_ITS_TIME = timedelta(minutes=1)
"""TERM, its grace and KILL are over by then."""


def standing_runs(reader: Reader, now: datetime) -> Iterator[Concern]:
    """Those that need a person: nothing ends them by itself."""
    running = [run for run in reader.instances.live() if run.state == "RUNNING"]
    boot = boot_id() if running else ""
    here = [run for run in running if run.pid is not None and run.boot_id == boot]
    states = states_by_session() if here else {}
    for run in running:
        of_it: Mapping[int, str] = states.get(run.pid or 0, {}) if run in here else {}
        stopped = sorted(pid for pid, state in of_it.items() if state == "T")
        if stopped:
            pids = " ".join(map(str, stopped))
            summary = f"run {run.id} stands still: its process {pids.replace(' ', ', ')} is stopped (SIGSTOP)"
            hint = f"kill -CONT {pids}, or: runner instances kill {run.id}"
            yield Concern("stuck", run.job, run.started_at, summary, hint)
        elif (limit := _timeout(reader, run)) is not None and _is_over(run, limit, now):
            waits = sorted(pid for pid, state in of_it.items() if state == "D")
            cause = f": its process {waits[0]} waits for a device or a file system" if waits else ""
            summary = f"run {run.id} is still there after its timeout of {format_duration(limit)}{cause}"
            yield Concern("stuck", run.job, run.started_at, summary, f"runner instances kill {run.id}")
        elif _never_began(reader, run, now):
            summary = f"run {run.id} was claimed, and its process has not begun"
            yield Concern("stuck", run.job, run.started_at, summary, f"runner instances kill {run.id}")


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
