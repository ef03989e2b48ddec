"""Keep runs inside their windows: they pause when one closes, go on in the next, and end with the range.

The windows that count are those of the job as it is installed now: a range that is made longer, or hours that
are made shorter, hold for the run that is under way. A run whose schedule has no window any more goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from runner.dispatch.windows import Asked, WindowedRun, decide_window, next_look
from runner.lifecycle.pausing import WINDOW, NotPausable, Pausable
from runner.operations.end_runs import STOP_PATIENCE, end_waiting
from runner.operations.outcome import NotStarted, Recording, definition_of
from runner.operations.pausing import force_pause, how_to_pause, pause_instance, resume_instance
from runner.operations.schedulable import window_of
from runner.schedules.window import Window
from runner.store.instances import InstanceRecord
from runner.store.port import Reader, Transaction

CLOCK = "system:clock"

Windows = Mapping[str, Mapping[str, Window]]
"""Job uid → name of a schedule → its windows; of every installed job that has some."""

FEW_JOBS = 200
"""Up to so many jobs are asked for one by one; of more, everything that is not over is read at once."""

_UNFINISHED = ("SCHEDULED", "RUNNING", "PAUSING", "PAUSED", "STOPPING", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Kept:
    """What was done: what has ended, what pauses or goes on now, and what finishes although its window has
    closed, because it cannot be paused, with the reason.
    """

    ended: tuple[NotStarted, ...] = ()
    paused: tuple[InstanceRecord, ...] = ()
    gone_on: tuple[InstanceRecord, ...] = ()
    finishing: tuple[tuple[InstanceRecord, str], ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.ended or self.paused or self.gone_on)


class Situation(NamedTuple):
    """The runs of which something is asked, and when that may be otherwise."""

    asked: tuple[int, ...]
    next_at: datetime | None
    waiting: Mapping[int, tuple[datetime, str]]
    """When each that is paused goes on, and the name of its job."""


def look_at_windows(
    reader: Reader,
    windows: Windows,
    now: datetime,
    *,
    strays: bool = False,
    known: Collection[int] = (),
    touched: Mapping[int, str] | None = None,
) -> Situation:
    """Which runs are to be paused, stopped, ended or let go on; `known` cannot be paused, and finish.

    With `strays` also those that wait for a window that their job does not have any more. Of `touched` runs
    (each with the uid of its job) alone, if they are given.
    """
    asked: list[int] = []
    edges: list[datetime] = []
    waiting: dict[int, tuple[datetime, str]] = {}
    for run, window in _windowed(reader, windows, touched):
        edge = next_look(window, now)
        decided = decide_window(window, _facts(run), now)
        if edge is not None:
            edges.append(edge)
            if run.state == "PAUSED" and run.pauses == (WINDOW,) and decided is None:
                waiting[run.id] = edge, run.job
        if decided is not None and not (run.id in known and run.state == "RUNNING"):
            asked.append(run.id)
    if strays:
        asked += [run.id for run in _strays(reader, windows)]
    return Situation(tuple(asked), min(edges, default=None), waiting)


def keep_windows(tx: Transaction, ids: Iterable[int], windows: Windows, now: datetime) -> Kept:
    """Do what is asked of these runs, as far as it still is."""
    ended: list[NotStarted] = []
    paused: list[InstanceRecord] = []
    gone_on: list[InstanceRecord] = []
    finishing: list[tuple[InstanceRecord, str]] = []
    for id in ids:
        run = tx.instances.get(id)
        if run is None or run.completed_at is not None:
            continue
        window = window_of(run, windows.get(run.job_uid, {}))
        asked = _of_stray(run) if window is None else decide_window(window, _facts(run), now)
        if asked is None:
            continue
        if asked.what in ("skip", "expire"):
            ended.append(_end(tx, run, asked, now))
        elif asked.what == "go-on":
            resume_instance(tx, run, (WINDOW,), who=CLOCK, why=asked.why, now=now)
            if (after := tx.instances.get(id)) is not None and after.state not in ("PAUSING", "PAUSED"):
                gone_on.append(after)
        elif (why := _pause(tx, run, asked, now)) is None:
            paused.append(tx.instances.get(id) or run)
        else:
            finishing.append((run, why))
    return Kept(tuple(ended), tuple(paused), tuple(gone_on), tuple(finishing))


def _windowed(
    reader: Reader, windows: Windows, touched: Mapping[int, str] | None
) -> Iterator[tuple[InstanceRecord, Window]]:
    if touched is not None:
        ids = [id for id, uid in touched.items() if uid in windows]
        found = [reader.instances.get(id) for id in ids]
        runs = [run for run in found if run is not None and run.completed_at is None]
    elif len(windows) <= FEW_JOBS:
        runs = [run for uid in windows for run in reader.instances.unfinished_of(uid)]
    else:
        runs = reader.instances.list(states=_UNFINISHED, limit=None)
    for run in runs:
        window = window_of(run, windows.get(run.job_uid, {}))
        if window is not None:
            yield run, window


def _strays(reader: Reader, windows: Windows) -> Iterator[InstanceRecord]:
    for run in reader.instances.list(states=("PAUSED", "PAUSING"), limit=None):
        if WINDOW in run.pauses and window_of(run, windows.get(run.job_uid, {})) is None:
            yield run


def _of_stray(run: InstanceRecord) -> Asked | None:
    return Asked("go-on", "its schedule has no window any more") if WINDOW in run.pauses else None


def _facts(run: InstanceRecord) -> WindowedRun:
    return WindowedRun(run.state, run.attempt > 0, run.pauses, bool(run.targets))


def _pause(tx: Transaction, run: InstanceRecord, asked: Asked, now: datetime) -> str | None:
    """None when it pauses, else why it does not: it finishes, as at every other pause (I18)."""
    grace = None
    if run.state == "RUNNING" and asked.what == "pause":
        how = how_to_pause(tx, run)
        if isinstance(how, NotPausable):
            return how.why
        grace = asked.grace if isinstance(how, Pausable) and how.forced else None
    pause_instance(tx, run, WINDOW, who=CLOCK, why=asked.why, now=now, grace=grace)
    if asked.what == "stop":
        pausing = tx.instances.get(run.id)
        if pausing is not None and pausing.state == "PAUSING":
            force_pause(tx, pausing, who=CLOCK, now=now, until=now + STOP_PATIENCE)
    return None


def _end(tx: Transaction, run: InstanceRecord, asked: Asked, now: datetime) -> NotStarted:
    """SKIPPED for what never began (I5); else by what it has reached (I7, I8, I30, I31)."""
    if asked.what == "skip":
        end_waiting(tx, run, "late", asked.why, who=CLOCK, now=now)
        return NotStarted(run.id, run.job, "SKIPPED", asked.why)
    finished = Recording(tx, run, definition_of(tx, run), now, CLOCK).expire()
    return NotStarted(run.id, run.job, finished.state, finished.reason, finished.job_failed)
