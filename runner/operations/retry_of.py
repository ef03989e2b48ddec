"""By which policy, and until when, is a failed run tried again?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from runner.operations.schedulable import BY_JOB
from runner.retries import RetryPolicy
from runner.store.instances import InstanceRecord
from runner.vocabulary.duration import parse_duration


def retry_of(
    spec: Mapping[str, Any], instance: InstanceRecord, now: datetime
) -> tuple[RetryPolicy, datetime | None]:
    """The job's `retry`, until its deadline; a start of a window or of fire-and-forget has `retryEvery`.

    Inside windows it is tried again until the range is over, which ends it by itself; where each opening
    has a run of its own, until the opening closes. A start by hand is one of the job.
    """
    by_schedule = instance.origin in ("slot", BY_JOB)
    schedule = (spec.get("schedules") or {}).get(instance.schedule) if by_schedule else None
    if schedule is not None and schedule.get("fireAndForget"):
        return _every(schedule["fireAndForget"]["retryEvery"]), instance.expires_at
    if schedule is None or not schedule.get("window"):
        return RetryPolicy.from_resolved(spec["retry"]), instance.expires_at
    first = schedule["window"][0]
    ends = [instance.expires_at, _close(schedule, now) if first["repeat"] == "each" else None]
    return _every(first["retryEvery"]), min((at for at in ends if at is not None), default=None)


def _every(text: str) -> RetryPolicy:
    return RetryPolicy("until-expiry", parse_duration(text), 1.0, None, None, None, 0.0)


def _close(schedule: Mapping[str, Any], now: datetime) -> datetime:
    """When what is open now closes; now itself when nothing is open any more."""
    from runner.schedules.kinds import schedule_from
    from runner.schedules.window import Window

    window = schedule_from(schedule)
    opening = window.opening_at(now) if isinstance(window, Window) else None
    return now if opening is None else opening.closes_at
