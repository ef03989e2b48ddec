"""When is a job's time over for good (`validUntil`)?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from runner.schedules.zones import within_reach

_DATE = len("2026-11-21")


def end_date(spec: Mapping[str, Any], zone: str) -> datetime | None:
    """The instant at which a resolved job ends, in UTC; None for never.

    A date is its whole day; a local time or date is in the zone of the job's first schedule, else in `zone`.
    """
    text = spec.get("validUntil")
    if text is None:
        return None
    at = within_reach(datetime.fromisoformat(text.upper()))
    if len(text) == _DATE:
        at += timedelta(days=1)
    if at.tzinfo is None:
        first: Mapping[str, Any] = next(iter(spec["schedules"].values()), {})
        at = at.replace(tzinfo=ZoneInfo(first.get("timezone") or zone))
    return at.astimezone(UTC)
