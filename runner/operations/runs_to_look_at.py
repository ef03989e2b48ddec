"""Which runs need a person: UNKNOWN, stuck, paused for good, or waiting for long?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from runner.lifecycle.pausing import EVICTION, JOB, OPERATOR, WINDOW
from runner.operations.behind_targets import behind_targets
from runner.operations.concern import Concern
from runner.operations.waiting import IS_OPEN, waits_for
from runner.store.instances import InstanceRecord
from runner.store.port import Reader
from runner.vocabulary.instants import to_the_second

STUCK_DUE = timedelta(seconds=60)
"""Due for so long, with no daemon there."""

STUCK_STOPPING = timedelta(minutes=5)
STUCK_WAITING = timedelta(minutes=10)

MOST_WAITING = 50
"""Runs that wait, of which status says for what."""


def runs_to_look_at(reader: Reader, lives: bool, now: datetime) -> Iterator[Concern]:
    """Those under way or due that do not go on as they should; `lives`: a daemon runs."""
    for run in reader.instances.live():
        if run.state == "UNKNOWN":
            summary = f"run {run.id} is UNKNOWN: {_why_unknown(reader, run)}"
            hint = (
                f"runner instances show {run.id}; then, when nothing of it runs: "
                f"runner instances resolve {run.id} --as cancelled --nothing-runs"
            )
            yield Concern("unknown", run.job, run.started_at, summary, hint)
        elif not lives:
            summary = f"run {run.id} is {run.state}, and no daemon runs"
            yield Concern("stuck", run.job, run.started_at, summary, "runner up")
        elif run.state == "STOPPING":
            asked = next(iter(reader.events.of("instance", str(run.id), limit=1)), None)
            if asked is not None and now - asked.at > STUCK_STOPPING:
                summary = f"run {run.id} is being stopped and does not end"
                yield Concern("stuck", run.job, asked.at, summary, f"runner logs {run.id}")
        elif (other := behind_targets(reader, run)) is not None:
            summary = (
                f"run {run.id} waits for target {other.target}, on which instance {other.instance_id} works"
            )
            hint = f"runner instances show {other.instance_id}"
            yield Concern("waits", run.job, run.started_at, summary, hint, problem=False)
    if not lives:
        for run in reader.instances.waiting(due_before=now - STUCK_DUE):
            summary = f"run {run.id} is due and waits, and no daemon runs"
            yield Concern("stuck", run.job, run.due_at, summary, "runner up")
        return
    yield from _waiting(reader, now)


def _why_unknown(reader: Reader, run: InstanceRecord) -> str:
    """What is not known of it, and when it is decided without a person."""
    external = reader.external.get(run.id)
    if external is None:
        why = "neither its life nor its death can be proven"
    elif external.heard_at is None:
        why = "its system was told of it and has not been heard since"
    else:
        why = f"its system is silent since {to_the_second(external.heard_at)}"
    return (
        why
        if run.forced_at is None
        else f"{why}; without a word it is decided at {to_the_second(run.forced_at)}"
    )


def paused_runs(reader: Reader, lives: bool, now: datetime) -> Iterator[Concern]:
    """What has begun and does not go on by itself: its job is held since, or its daemon has gone."""
    for run in reader.instances.list(states=("PAUSED",), limit=MOST_WAITING):
        waits = waits_for(reader, run, now)
        if waits is None or set(run.pauses) & {OPERATOR, JOB}:
            continue  # somebody has paused it, and knows
        if WINDOW in run.pauses and (lives or waits.text != IS_OPEN):
            continue  # it goes on by itself
        waits_for_a_daemon = bool({EVICTION, WINDOW} & set(run.pauses)) and not lives
        summary = f"run {run.id} is PAUSED ({run.reason}) and waits for {waits.text}"
        hint = f"runner instances show {run.id}"
        yield Concern("paused", run.job, run.paused_at, summary, hint, problem=waits_for_a_daemon)


def _waiting(reader: Reader, now: datetime) -> Iterator[Concern]:
    """What is due and waits, and behind what: a problem when it takes long."""
    due = reader.instances.waiting(due_before=now, limit=MOST_WAITING)
    for run in due:
        long = run.due_at <= now - STUCK_WAITING
        waits = waits_for(reader, run, now)
        if waits is None or (waits.behind is None and not long):
            continue
        summary = f"run {run.id} is due and waits for {waits.text}"
        hint = f"runner instances show {waits.behind or run.id}"
        yield Concern("stuck" if long else "waits", run.job, run.due_at, summary, hint, problem=long)
    if len(due) == MOST_WAITING:
        hint = "runner instances list --state SCHEDULED"
        yield Concern("waits", "-", None, "more runs wait than are shown here", hint, problem=False)
