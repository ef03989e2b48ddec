"""What would a changed limit have done to the runs that are recorded?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from runner.reconcile.start_changes import starts_of
from runner.vocabulary.duration import format_duration, parse_duration

_AHEAD = timedelta(days=7)
_COMPARED = 50
"""Starts between which the shortest time is looked for."""

_WAITS = frozenset({"queue", "queue-one"})


class PastRun(NamedTuple):
    """A run that ended: when it was due, when its (last) attempt began, and when it ended."""

    due_at: datetime
    started_at: datetime | None
    completed_at: datetime


class BackTest(NamedTuple):
    """So many of the last runs would have met the new value of that field."""

    field: str
    affected: int
    of: int
    sentence: str

    def as_json(self) -> dict[str, Any]:
        return self._asdict()


def back_tests(
    before: Mapping[str, Any], after: Mapping[str, Any], past: Sequence[PastRun], now: datetime
) -> tuple[BackTest, ...]:
    """One for each limit that is new or lower; none when nothing has run yet."""
    return tuple(_tests(before, after, past, now)) if past else ()


def _tests(
    before: Mapping[str, Any], after: Mapping[str, Any], past: Sequence[PastRun], now: datetime
) -> Iterator[BackTest]:
    running = [run.completed_at - run.started_at for run in past if run.started_at is not None]
    last = f"of the last {len(past)} runs" if len(past) != 1 else "of 1 recorded run"
    timeout = _tightened("timeout", before, after)
    if timeout is not None:
        over = sum(each > timeout for each in running)
        text = f"spec.timeout: {over} {last} would have been ended"
        yield BackTest("spec.timeout", over, len(past), text)
    deadline = _tightened("deadline", before, after)
    if deadline is not None:
        over = sum(run.completed_at - run.due_at > deadline for run in past)
        text = f"spec.deadline: {over} {last} would have been ended"
        yield BackTest("spec.deadline", over, len(past), text)
    was, will = _shortest_gap(before, now), _shortest_gap(after, now)
    if will is not None and (was is None or will < was):
        over = sum(each > will for each in running)
        policy = str((after.get("concurrency") or {}).get("policy") or "skip")
        then = {"allow": "run beside the next", "replace": "been replaced by the next"}.get(
            policy, "let the next wait" if policy in _WAITS else "made the next be skipped"
        )
        gap = format_duration(will)
        text = f"spec.schedule: {over} {last} would have {then} (starts are {gap} apart)"
        yield BackTest("spec.schedule", over, len(past), text)


def _tightened(field: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> timedelta | None:
    """The new limit when it is one that was not there, or is lower than it was."""
    if not after.get(field) or after.get(field) == before.get(field):
        return None
    limit = parse_duration(after[field])
    return None if before.get(field) and parse_duration(before[field]) <= limit else limit


def _shortest_gap(resolved: Mapping[str, Any], now: datetime) -> timedelta | None:
    starts = starts_of(resolved, now, now + _AHEAD, _COMPARED).at
    return min((later - earlier for earlier, later in pairwise(starts)), default=None)
